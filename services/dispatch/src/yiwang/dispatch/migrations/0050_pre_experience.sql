-- Finished cases counted by what they have in common and by the unit that handled them (建议单位), month by month.
create table experience (
    key text not null,
    month date not null,
    unit_id text not null,
    n int not null,
    primary key (key, month, unit_id)
);

-- Cases whose reports go on in another one (并案): what the other case's reporters are told, theirs are told too.
create table joined (
    case_id   text primary key,
    into_case text not null
);
create index joined_into on joined (into_case);

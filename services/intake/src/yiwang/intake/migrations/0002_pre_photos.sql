-- Which photos came with which report: erasing a reporter's data erases them, too.
create table photos (
    report_id text,
    media_id text,
    primary key (report_id, media_id)
);
create index on photos (media_id);

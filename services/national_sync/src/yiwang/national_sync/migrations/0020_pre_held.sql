-- What was announced is kept, so that it can be repeated to a node that lacks it; empty for announcements of before.
alter table published add column content text not null default '';
alter table published add column encoding text not null default '';

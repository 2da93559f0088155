-- An outbox row may hold a page: what one transaction says in one partition group, as one value that nobody compresses.
alter table kit_outbox add column events int not null default 1;
alter table kit_outbox alter column data set storage external;
comment on column kit_outbox.events is 'more than 0: so many events as msgpack in data, and pp is any partition of their group';

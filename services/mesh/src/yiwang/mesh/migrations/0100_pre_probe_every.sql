-- How often the node above probes: a probe that stays away tells that the link stands still.
alter table probe add column every_s double precision not null default 0;

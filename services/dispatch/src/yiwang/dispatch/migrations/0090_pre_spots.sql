-- A tile is a number: half the index. What is too old is forgotten once an hour, which needs no index of its own.
drop index spots_old;
alter table spots alter column spot type bigint using hashtextextended(spot, 0);

-- A part that changes stays where it is on its page, and no index hears of it.
alter table parts set (fillfactor = 80);

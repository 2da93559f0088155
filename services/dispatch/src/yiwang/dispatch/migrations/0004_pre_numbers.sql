-- The incarnation for which the parent was asked for the highest numbers and hasn't answered; null: nothing is open.
alter table allocation add column asked int;

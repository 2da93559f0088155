-- Which objects have figures in some days, without looking at every day of theirs.
create index sums_objects on sums (kind, day, object) where cls = '';

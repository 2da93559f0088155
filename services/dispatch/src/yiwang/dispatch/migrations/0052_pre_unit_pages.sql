-- One unit's newest cases without sorting all that it ever had; in place of the index that only found them.
create index cases_of_unit on cases (unit_id, created_at, case_id) where unit_id <> '';
drop index cases_unit;

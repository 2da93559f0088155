-- A street's own queue by remaining time; nothing looks for a queue by area alone any more.
create index cases_street_waiting on cases (left(area, 9), queue, coalesce(due_at, 'infinity'), case_id)
    where queue <> '' and away is null;
drop index cases_area_waiting;

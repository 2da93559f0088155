-- A county's own queue by remaining time: where next to nothing waits in it, the city's whole queue would be walked.
create index cases_county_waiting on cases (left(area, 6), queue, coalesce(due_at, 'infinity'), case_id)
    where queue <> '' and away is null;

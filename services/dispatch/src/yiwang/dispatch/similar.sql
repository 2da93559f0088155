-- keep_spots: where located cases lie; what is too old to matter is forgotten by the way
with gone as (
    delete from spots where ctid in (
        select ctid from spots where at < $6 order by at limit 500 for update skip locked)
)
insert into spots (spot, at, case_id, lon, lat)
select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::float8[], $5::float8[])
on conflict do nothing;

-- near_spots: the newest cases in some tiles and spans of time, with how they stand; a case of the same batch has no row yet
select w.mine, s.case_id, s.at, s.lon, s.lat, coalesce(c.state, 'reported') as state, coalesce(c.case_no, '') as case_no
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) as w(mine, spot, since, until)
cross join lateral (
    select case_id, at, lon, lat from spots
    where spot = w.spot and at between w.since and w.until and case_id <> w.mine order by at desc limit $5) s
left join cases c on c.case_id = s.case_id
where c.away is null;

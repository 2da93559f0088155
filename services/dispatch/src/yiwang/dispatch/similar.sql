-- keep_spots: where located cases lie; gives those of the asked tiles in which somebody lay already
with kept as (
    insert into spots (spot, at, case_id, lon, lat)
    select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::float8[], $5::float8[])
    on conflict do nothing
)
select w.spot from unnest($6::bigint[]) as w(spot)
cross join lateral (select from spots s where s.spot = w.spot and s.at >= $7 limit 1) as found;

-- nearest_open: of each case the nearest older one that is still open, among the newest in each of its tiles
select distinct on (w.mine) w.mine, s.case_id
from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::float8[], $6::float8[])
    as w(mine, spot, since, until, lon, lat)
cross join lateral (
    select case_id, at, lon, lat from spots
    where spot = w.spot and at between w.since and w.until and (at, case_id) < (w.until, w.mine)
    order by at desc limit $7) s
cross join lateral (select 2 * $9::float8 * asin(least(1, sqrt(sin(radians(s.lat - w.lat) / 2) ^ 2
    + cos(radians(w.lat)) * cos(radians(s.lat)) * sin(radians(s.lon - w.lon) / 2) ^ 2)))) d(metres)
left join cases c on c.case_id = s.case_id
where d.metres <= $8::float8 and coalesce(c.state, 'reported') <> all($10::text[]) and c.away is null
order by w.mine, d.metres, s.at;

-- near_spots: the newest cases in some tiles and spans of time, with how they stand; a case of the same batch has no row yet
select w.mine, s.case_id, s.at, s.lon, s.lat, coalesce(c.state, 'reported') as state, coalesce(c.case_no, '') as case_no
from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::timestamptz[]) as w(mine, spot, since, until)
cross join lateral (
    select case_id, at, lon, lat from spots
    where spot = w.spot and at between w.since and w.until and case_id <> w.mine order by at desc limit $5) s
left join cases c on c.case_id = s.case_id
where c.away is null;

-- forget_spots: what is too old to matter
delete from spots where at < $1;

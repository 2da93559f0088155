-- learn: raise counts, locked in the order of their keys
insert into experience (key, month, unit_id, n)
select k, m, u, n from unnest($1::text[], $2::date[], $3::text[], $4::int[]) as w(k, m, u, n) order by k, m, u
on conflict (key, month, unit_id) do update set n = experience.n + excluded.n;

-- known: what some keys count since a month
select key, unit_id, sum(n)::int as n from experience where key = any($1::text[]) and month >= $2
group by key, unit_id order by key, unit_id;

-- forget: months that no suggestion looks at any more
delete from experience where ctid = any(array(select ctid from experience where month < $1 limit $2));

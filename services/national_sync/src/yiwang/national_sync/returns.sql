-- add_return: a batch; nothing if it is there
insert into returns (return_id, side, peer, title, at, body) values ($1, $2, $3, $4, $5, $6) on conflict do nothing

-- returns: the newest first, by side (empty: both)
select * from returns where ($1 = '' or side = $1) order by at desc, return_id limit $2 offset $3

-- add_fates: what became of cases above
insert into fates select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
on conflict do nothing

-- fates: of one case, the newest first
select platform, fate, at, reason, record_id from fates where case_id = $1 order by at desc, platform, fate

-- told: the cases of a delivered range whose base or result the platform took
select r.case_id, r.kind, d.decided_at as at from deliveries d join records r using (n)
where d.platform = $1 and d.district = $2 and d.seq between $3 and $4 and d.state = 'delivered'
  and r.kind in ('case_base', 'case_result') order by d.seq

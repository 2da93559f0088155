-- begin_walk: look through the cases anew, from the youngest that may count in it
insert into campaign_walks (campaign_id, phase, newest, at, began_at) values ($1, $2, $3, $3, $4)
on conflict (campaign_id) do update set round = campaign_walks.round + 1, phase = excluded.phase, newest = excluded.newest,
    at = excluded.at, after_id = '', looked = 0, joined = 0, gone = 0, began_at = excluded.began_at, done_at = null;

-- end_walk: nothing more is looked through
update campaign_walks set phase = 'done', done_at = $2 where campaign_id = $1 and phase <> 'done';

-- waiting_walk: the next that isn't through
select campaign_id, round from campaign_walks where phase <> 'done' order by campaign_id limit 1;

-- lock_walk: one, locked; who ends or changes the campaign waits for the page in hand
select phase, at, after_id from campaign_walks where campaign_id = $1 and round = $2 and phase <> 'done' for update;

-- walk_on: how far it is
update campaign_walks set phase = $2, at = $3, after_id = $4, looked = looked + $5, joined = joined + $6, gone = gone + $7,
    done_at = $8
where campaign_id = $1;

-- walk_shown: how far it is, and the age of the oldest case there is
select w.phase, w.newest, w.at, w.looked, w.joined, w.gone, w.began_at, w.done_at,
    (select created_at from cases order by created_at, case_id limit 1) as oldest
from campaign_walks w where w.campaign_id = $1;

-- begun_now: which transaction would be the next to begin
select pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- all_over: whether every transaction before that one is over
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1;

-- page_by_rule: cases that came to count by rule, by id
select item_id as case_id from campaign_items
where campaign_id = $1 and kind = 'case' and how = 'rule' and item_id > $2 order by item_id limit $3;

-- page_by_age: the next younger cases first, and whether each may count in a campaign; the document decides later
select case_id, created_at, case_no <> '' and away is null
    and ((area like any($4::text[]) and category like any($5::text[])) or doc like $6) as may
from cases where (created_at, case_id) < ($1, $2) order by created_at desc, case_id desc limit $3;

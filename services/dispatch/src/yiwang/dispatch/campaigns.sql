-- add_campaign: a new one; one that is known stays as it is
insert into campaigns (campaign_id, state, mine, begins_on, doc) values ($1, $2, $3, $4, $5) on conflict (campaign_id) do nothing;

-- save_campaign: its next shape
update campaigns set state = $2, begins_on = $3, doc = $4 where campaign_id = $1;

-- lock_campaign: one, locked
select doc from campaigns where campaign_id = $1 for update;

-- campaign_doc: one
select doc from campaigns where campaign_id = $1;

-- campaign_mine: whether this node counts in it
select mine from campaigns where campaign_id = $1;

-- open_campaigns: those in which this node counts now
select doc from campaigns where state = 'open' and mine order by campaign_id;

-- list_campaigns: the latest to begin first
select doc from campaigns where ($1 = '' or state = $1) order by begins_on desc, campaign_id limit 500;

-- items_of: how some cases and entries stand in campaigns
select campaign_id, item_id, kind, how, area, unit_id, year, found, rectified, accepted, satisfied, reopened, overdue
from campaign_items where item_id = any($1::text[]);

-- weigh: what some items are now; the differences to what they were go into the sums, locked in the order of their keys
with new as (
    select n.* from json_populate_recordset(null::campaign_items, $1::json) n
    join campaigns c on c.campaign_id = n.campaign_id and c.state = 'open'
), old as (
    select i.* from campaign_items i join new n on n.campaign_id = i.campaign_id and n.item_id = i.item_id
), kept as (
    insert into campaign_items select * from new on conflict (campaign_id, item_id) do update set
        how = excluded.how, area = excluded.area, unit_id = excluded.unit_id, year = excluded.year, found = excluded.found,
        rectified = excluded.rectified, accepted = excluded.accepted, satisfied = excluded.satisfied,
        reopened = excluded.reopened, overdue = excluded.overdue
), moved as (
    select campaign_id, year, area, unit_id, sum(found) as found, sum(rectified) as rectified, sum(accepted) as accepted,
        sum(satisfied) as satisfied, sum(reopened) as reopened, sum(overdue) as overdue
    from (
        select campaign_id, year, area, unit_id, found, rectified, accepted, satisfied, reopened, overdue from new
        union all
        select campaign_id, year, area, unit_id, -found, -rectified, -accepted, -satisfied, -reopened, -overdue from old
    ) d group by campaign_id, year, area, unit_id
)
insert into campaign_counts as c
    (campaign_id, year, area, unit_id, found, rectified, accepted, satisfied, reopened, overdue)
select campaign_id, year, area, unit_id, found, rectified, accepted, satisfied, reopened, overdue from moved
where (found, rectified, accepted, satisfied, reopened, overdue) <> (0, 0, 0, 0, 0, 0)
order by campaign_id, year, area, unit_id
on conflict (campaign_id, year, area, unit_id) do update set
    found = c.found + excluded.found, rectified = c.rectified + excluded.rectified, accepted = c.accepted + excluded.accepted,
    satisfied = c.satisfied + excluded.satisfied, reopened = c.reopened + excluded.reopened, overdue = c.overdue + excluded.overdue;

-- sums: the sums of a campaign that aren't nought
select area, unit_id, year, found::int, rectified::int, accepted::int, satisfied::int, reopened::int, overdue::int
from campaign_counts where campaign_id = $1
    and (found, rectified, accepted, satisfied, reopened, overdue) <> (0, 0, 0, 0, 0, 0) order by year, area, unit_id;

-- recount: the same from the items, for whoever doubts
select area, unit_id, year, sum(found)::int as found, sum(rectified)::int as rectified, sum(accepted)::int as accepted,
    sum(satisfied)::int as satisfied, sum(reopened)::int as reopened, sum(overdue)::int as overdue
from campaign_items where campaign_id = $1 group by year, area, unit_id
having (sum(found), sum(rectified), sum(accepted), sum(satisfied), sum(reopened), sum(overdue)) <> (0, 0, 0, 0, 0, 0)
order by year, area, unit_id;

-- put_items: what some items are, the sums left alone
insert into campaign_items select * from json_populate_recordset(null::campaign_items, $1::json)
on conflict (campaign_id, item_id) do update set
    how = excluded.how, area = excluded.area, unit_id = excluded.unit_id, year = excluded.year, found = excluded.found,
    rectified = excluded.rectified, accepted = excluded.accepted, satisfied = excluded.satisfied,
    reopened = excluded.reopened, overdue = excluded.overdue;

-- forget_sums: of some campaigns, before they are counted anew
delete from campaign_counts where campaign_id = any($1::text[]);

-- recount_into: the sums of some campaigns from their items
insert into campaign_counts (campaign_id, year, area, unit_id, found, rectified, accepted, satisfied, reopened, overdue)
select campaign_id, year, area, unit_id, sum(found), sum(rectified), sum(accepted), sum(satisfied), sum(reopened), sum(overdue)
from campaign_items where campaign_id = any($1::text[]) group by campaign_id, year, area, unit_id;

-- had_said: a progress of that revision was told upward before
update campaigns set said = greatest(said, $2) where campaign_id = $1;

-- cases_of: cases in a campaign, of some areas or units, by their ids
select i.item_id as case_id, k.case_no, i.how, i.area, i.unit_id, k.state, i.found, i.rectified, i.overdue
from campaign_items i join cases k on k.case_id = i.item_id
where i.campaign_id = $1 and i.kind = 'case' and i.item_id > $2 and i.how <> 'removed'
    and (k.area like any($3::text[]) or i.unit_id = any($4::text[])) order by i.item_id limit $5;

-- next_said: the revision of the next progress
update campaigns set said = said + 1 where campaign_id = $1 and mine returning said;

-- tell_below: what a node below told; an older word than the known one is dropped
insert into campaign_below (campaign_id, jurisdiction, revision, as_of, counts) values ($1, $2, $3, $4, $5)
on conflict (campaign_id, jurisdiction) do update set revision = excluded.revision, as_of = excluded.as_of, counts = excluded.counts
where campaign_below.revision < excluded.revision;

-- below: what the nodes below told of a campaign
select jurisdiction, as_of, counts from campaign_below where campaign_id = $1 order by jurisdiction;

-- secret: the node's secret, made with the schema
select secret from secret;

-- known: which of these reports are here, with their digests
select report_id, case_id, digest from reports where report_id = any($1::text[]);

-- add_reports: reports as they were received; a repetition changes nothing
insert into reports (report_id, case_id, digest, nature, channel, reporter_kind, purpose, jurisdiction, county, occurred_at,
    recorded_at, answered)
select report_id, case_id, digest, nature, channel, reporter_kind, purpose, jurisdiction, county, occurred_at, recorded_at,
    answered
from json_populate_recordset(null::reports, $1::text::json)
on conflict (report_id) do nothing;

-- add_contacts: sealed contacts; the first of a report stays
insert into contacts (report_id, case_id, digest, sealed, consent, recorded_at)
select n.report_id, n.case_id, n.digest, n.sealed, n.consent, n.recorded_at
from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::timestamptz[])
    as n(report_id, case_id, digest, sealed, consent, recorded_at)
where not exists (select 1 from erasures e where e.report_id = n.report_id)
on conflict (report_id) do nothing;

-- advance: the newest version of each case wins and every step is kept, whatever the order of arrival
insert into progress (case_id, version, state, case_no, merged_into, county, changed_at, steps)
select case_id, version, state, case_no, merged_into, county, changed_at, steps
from json_populate_recordset(null::progress, $1::text::json)
on conflict (case_id) do update set
    version = greatest(excluded.version, progress.version),
    state = case when excluded.version > progress.version then excluded.state else progress.state end,
    case_no = case when excluded.version > progress.version then excluded.case_no else progress.case_no end,
    merged_into = case when excluded.version > progress.version then excluded.merged_into else progress.merged_into end,
    changed_at = case when excluded.version > progress.version then excluded.changed_at else progress.changed_at end,
    county = case when excluded.version > progress.version and excluded.county <> '' then excluded.county
        else progress.county end,
    steps = progress.steps || excluded.steps
where excluded.version > progress.version or not progress.steps @> excluded.steps;

-- reports_after: report ids in the order of their rows, after one
select n, report_id from reports where n > $1 order by n limit $2;

-- standing: one report and where its case (or the one it was merged into) stands
select r.report_id, r.case_id, r.channel, r.nature, r.jurisdiction, r.occurred_at, r.recorded_at, r.answered,
    coalesce(nullif(p.county, ''), nullif(own.county, ''), r.county) as county,
    coalesce(p.case_id, r.case_id) as leading_case_id, coalesce(p.state, 'reported') as state,
    coalesce(p.case_no, '') as case_no, coalesce(p.changed_at, r.recorded_at) as changed_at,
    exists (select 1 from erasures e where e.report_id = r.report_id) as erased
from reports r
left join progress own on own.case_id = r.case_id
left join progress p on p.case_id = coalesce(nullif(own.merged_into, ''), r.case_id)
where r.report_id = $1;

-- steps: the course of one case, as version -> [state, moment]
select steps::text from progress where case_id = $1;

-- contact: the sealed contact of one report, unless it belongs to another report under the same number
select c.sealed, c.consent from contacts c left join reports r using (report_id)
where c.report_id = $1 and (r.digest is null or r.digest = c.digest);

-- look: somebody opened the contact of one report
insert into looks (report_id, by, at) values ($1, $2, $3);

-- erase: forget the sealed contact of one report and say so
with gone as (delete from contacts where report_id = $1)
insert into erasures (report_id, by, reason, at) values ($1, $2, $3, $4) on conflict (report_id) do nothing;

-- add_photos: photos that came with reports; not for a report whose data was erased meanwhile
insert into photos (report_id, media_id)
select n.report_id, n.media_id from unnest($1::text[], $2::text[]) as n(report_id, media_id)
where not exists (select 1 from erasures e where e.report_id = n.report_id)
on conflict do nothing;

-- photos_of: the photos of one report, each with every report that came with it; held against who erases another one
select media_id, report_id from photos where media_id in (select media_id from photos where report_id = $1)
order by media_id, report_id for update;

-- forget_photos: one report has no photos any more
delete from photos where report_id = $1;

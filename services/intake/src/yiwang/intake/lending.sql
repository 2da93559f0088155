-- start: a request for a contact; heard twice it stays as it is
insert into lendings (ask_id, side, state, case_id, report_id, other, area, changed_at, public_key, private, doc)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::json) on conflict (ask_id) do nothing;

-- save: how it stands now; of one that is over nothing of the contact is left
update lendings set state = $2, changed_at = $3, doc = $4::json, private = case when $5 then '' else private end,
    sealed = case when $5 then '{}' else coalesce($6::jsonb, sealed) end
where ask_id = $1;

-- lock: one of them, with the key halves and the contact
select doc::text as doc, public_key, private, sealed::text as sealed from lendings where ask_id = $1 for update;

-- of_case: those of one case in one state, locked
select doc::text as doc from lendings where case_id = $1 and side = 'taken' and state = any($2::text[])
order by ask_id for update;

-- given_of_report: those to whom the contact of one report was given
select doc::text as doc from lendings where report_id = $1 and side = 'given' and state = 'given' order by ask_id for update;

-- listed: what one may see, newest first
select doc::text as doc from lendings where area like any($1::text[]) or area = '' order by changed_at desc limit $2;

-- note_custodian: who has a case now
insert into custodians (case_id, jurisdiction, epoch) values ($1, $2, $3)
on conflict (case_id) do update set jurisdiction = excluded.jurisdiction, epoch = excluded.epoch
where excluded.epoch > custodians.epoch;

-- custodian: who has a case, as far as it was heard
select jurisdiction from custodians where case_id = $1;

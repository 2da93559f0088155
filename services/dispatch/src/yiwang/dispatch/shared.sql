-- forget_parts: the parts of some cases, before they are written anew
delete from parts where case_id = any($1::text[]);

-- add_parts: the parts of some cases
insert into parts (assignment_id, case_id, unit_id, state, due_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]);

-- parts_of_units: open parts of some units beyond a (deadline, id), the nearest deadline first
select p.assignment_id, c.doc::text as doc from parts p join cases c on c.case_id = p.case_id
where p.unit_id = any($1::text[]) and p.state in ('waiting', 'handling', 'handled') and c.away is null
    and c.state in ('dispatched', 'handling', 'feedback', 'suspended')
    and (p.due_at, p.assignment_id) > ($2, $3)
order by p.due_at, p.assignment_id limit $4;

-- The parts of co-units (协办), as their people look for them; the cases themselves hold what is true.
create table parts (
    assignment_id text primary key,
    case_id text not null,
    unit_id text not null,
    state text not null,
    due_at timestamptz not null
);
create index parts_case on parts (case_id);
create index parts_open on parts (unit_id, due_at, assignment_id) where state in ('waiting', 'handling', 'handled');

create table tasks (                       -- inspection tasks: given to a node below, or received from above
    task_id        text not null,
    side           text not null check (side in ('given', 'received')),
    peer           text not null,          -- area code of the node at the other end, or platform:<name>
    root_task_id   text not null,
    parent_task_id text not null,          -- given: the received task that it is a share of; empty if issued here
    state          text not null check (state in ('open', 'answered', 'returned', 'closed')),
    overdue        boolean not null,
    round          int not null,
    feedback_due   timestamptz,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    doc            json not null,          -- what it says
    share          json,                   -- given: what the node below contributed last
    primary key (task_id, side)
);
create index tasks_newest on tasks (created_at desc, task_id);
create index tasks_shares on tasks (parent_task_id) where side = 'given' and parent_task_id <> '';

create table task_steps (                  -- what happened to a task, in order; never changed
    task_id  text not null,
    side     text not null,
    n        int not null,
    at       timestamptz not null,
    action   text not null,
    role     text not null,
    unit_id  text not null,
    person   text not null,
    round    int not null,
    body     json not null,
    primary key (task_id, side, n)
);
create function task_step_is_immutable() returns trigger language plpgsql as $$
begin
    raise exception 'steps of a task are evidence: append another one instead of a %', tg_op;
end $$;
create trigger task_steps_stay before update or delete on task_steps for each row execute function task_step_is_immutable();

-- add_task: a task; nothing if it is there
insert into tasks (task_id, side, peer, root_task_id, parent_task_id, state, overdue, round, feedback_due, created_at,
                   updated_at, doc)
values ($1, $2, $3, $4, $5, 'open', false, 1, $6, $7, $7, $8) on conflict do nothing

-- lock_task: a task, held
select * from tasks where task_id = $1 and side = $2 for update

-- task: a task as one side has it
select * from tasks where task_id = $1 and side = $2

-- sides: a task in every role that this node has in it
select * from tasks where task_id = $1 order by side

-- tasks: the newest first, by side, state and peer (empty: any)
select * from tasks where ($1 = '' or side = $1) and ($2 = '' or state = $2) and ($3 = '' or peer = $3)
  and (not $4 or overdue)
order by created_at desc, task_id limit $5 offset $6

-- set_task: its state after a step
update tasks set state = $3, overdue = $4, round = $5, feedback_due = $6, share = coalesce($7, share), updated_at = $8
where task_id = $1 and side = $2

-- shares: the sub-tasks into which a received task was split
select * from tasks where side = 'given' and parent_task_id = $1 order by peer, task_id

-- lock_shares: the same, held
select * from tasks where side = 'given' and parent_task_id = $1 order by peer, task_id for update

-- add_step: what happened
insert into task_steps (task_id, side, n, at, action, role, unit_id, person, round, body)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7, $8, $9 from task_steps where task_id = $1 and side = $2

-- steps: what happened to a task, in order
select * from task_steps where task_id = $1 and side = $2 order by n

-- has_step: whether it happened in that round
select exists(select from task_steps where task_id = $1 and side = $2 and action = $3 and round = $4)

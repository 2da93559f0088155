-- add_resync: a request of ours
insert into resyncs (resync_id, node, since, reason, asked_at) values ($1, $2, $3, $4, $5) on conflict do nothing

-- answered: it is done
update resyncs set answered_at = $3, cases = $4 where resync_id = $1 and node = $2

-- resyncs: our requests, the newest first
select * from resyncs order by asked_at desc limit $1

-- received_open: received tasks whose giver may not know our last word
select * from tasks where side = 'received' and state in ('open', 'answered', 'returned') and peer not like 'platform:%'
  and updated_at >= $1 order by created_at, task_id

-- last_feedback: what we answered last
select * from task_steps where task_id = $1 and side = 'received' and action = 'feedback' order by n desc limit 1

-- given_open: tasks that a node below may not know
select * from tasks where side = 'given' and peer = $1 and state <> 'closed' order by created_at, task_id

-- given_closed: tasks that a node below may think open
select * from tasks where side = 'given' and peer = $1 and state = 'closed' and updated_at >= $2 order by created_at, task_id

-- said_of_config: what we answered about announced sets, the newest of each version
select distinct on (set_name, version) set_name, version, digest, state, reason from config_received
where state in ('applied', 'refused') and decided_at >= $1 order by set_name, version, n desc

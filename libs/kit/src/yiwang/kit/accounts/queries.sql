-- account: one account with its current posts as JSON
select a.login, a.person_ref, a.display_name, a.must_change, a.disabled,
    coalesce((select json_agg(json_build_object('post_id', p.post_id, 'unit_id', p.unit_id, 'role', p.role, 'areas', p.areas)
              order by p.granted_at, p.post_id) from post p where p.login = a.login and p.ended_at is null), '[]')::text as posts,
    coalesce((select t.locked_until > now() from attempt t where t.login = a.login), false) as locked
from account a where a.login = $1

-- accounts: a page of accounts after a login, with their current posts as JSON
select a.login, a.person_ref, a.display_name, a.must_change, a.disabled,
    coalesce((select json_agg(json_build_object('post_id', p.post_id, 'unit_id', p.unit_id, 'role', p.role, 'areas', p.areas)
              order by p.granted_at, p.post_id) from post p where p.login = a.login and p.ended_at is null), '[]')::text as posts,
    coalesce((select t.locked_until > now() from attempt t where t.login = a.login), false) as locked
from account a where a.login > $1 order by a.login limit $2

-- add_account: a new account; nothing when the login is taken
insert into account (login, person_ref, display_name, password_hash, must_change) values ($1, $2, $3, $4, $5)
on conflict (login) do nothing returning login

-- add_post: one more post
insert into post (post_id, login, unit_id, role, areas, granted_by) values ($1, $2, $3, $4, $5, $6)

-- end_posts: the account's posts end now
update post set ended_at = now() where login = $1 and ended_at is null

-- password_hash: the stored hash
select password_hash from account where login = $1

-- set_password: another password
update account set password_hash = $2, must_change = $3, password_at = now() where login = $1 returning login

-- rehash: the same password by stronger parameters
update account set password_hash = $2 where login = $1 and password_hash = $3

-- set_disabled: switch an account off or on
update account set disabled = $2 where login = $1 returning login

-- locked_until: until when a login is locked, if it is
select locked_until from attempt where login = $1 and locked_until > now()

-- failed: count a failed attempt; a new series begins after a quiet hour; locks when the count reaches the limit
insert into attempt (login, failures, locked_until)
values ($1, 1, case when $2 <= 1 then now() + $3 * interval '1 minute' else '-infinity' end)
on conflict (login) do update set
    failures = case when attempt.last_at < now() - interval '1 hour' or attempt.failures >= $2 then 1 else attempt.failures + 1 end,
    locked_until = case when attempt.last_at >= now() - interval '1 hour' and attempt.failures < $2 and attempt.failures + 1 >= $2
        then now() + $3 * interval '1 minute' else '-infinity' end,
    last_at = now()

-- forget_attempts: after a successful login, or when an administrator unlocks
delete from attempt where login = $1

-- purge_attempts: attempts on logins that nobody has tried for a week
delete from attempt where last_at < now() - interval '7 days'

-- live_keys: the keys whose tokens may still be valid, the newest first
select kid, pem from signing_key where retired_at is null or retired_at > now() order by created_at desc, kid

-- add_key: a new signing key
insert into signing_key (kid, pem) values ($1, $2)

-- retire_keys: all other keys stop being published after so many seconds
update signing_key set retired_at = now() + $2 * interval '1 second' where kid <> $1 and retired_at is null

-- drop_dead_keys: keys that no valid token can name any more
delete from signing_key where retired_at < now()

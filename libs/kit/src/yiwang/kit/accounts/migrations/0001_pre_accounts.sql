-- Who may log in, what posts they hold, failed attempts by login (existing or not), and the keys that sign tokens.
create table account (
    login text primary key,
    person_ref text not null unique,
    display_name text not null,
    password_hash text not null,
    must_change boolean not null,
    disabled boolean not null default false,
    created_at timestamptz not null default now(),
    password_at timestamptz not null default now()
);
create table post (
    post_id text primary key,
    login text not null references account,
    unit_id text not null,
    role text not null,
    areas text[] not null,
    granted_by text not null,
    granted_at timestamptz not null default now(),
    ended_at timestamptz
);
create index on post (login) where ended_at is null;
create table attempt (
    login text primary key,
    failures int not null,
    locked_until timestamptz not null default '-infinity',
    last_at timestamptz not null default now()
);
create table signing_key (
    kid text primary key,
    pem text not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz
);

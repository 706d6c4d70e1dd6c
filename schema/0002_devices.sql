-- What tenants asked for. A device is a wish with a state; what it holds
-- (machine, addresses) stands with the thing held.

-- User data is stored before it is ordered, and named by its hash, so that no
-- order and no history carries it.
create table user_data (
    sha256 text  primary key check (sha256 = encode(sha256(body), 'hex')),
    body   bytea not null check (length(body) <= 65536)
);

create table devices (
    id               text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    project          text   not null,
    site             text   not null references sites,
    plan             text   not null references plans,
    operating_system text   not null references operating_systems,
    hostname         text   not null,
    ssh_keys         text[] not null default '{}',
    tags             text[] not null default '{}',
    user_data        text references user_data,
    state            text   not null default 'queued' check (state in (
        'queued', 'provisioning', 'active', 'inactive', 'powering_on', 'powering_off',
        'reinstalling', 'failed', 'deprovisioning', 'deleted')),
    reason           text   not null default '', -- why it failed, in a sentence
    created_at       timestamptz not null default now(),
    changed_at       timestamptz not null default now(),
    deleted_at       timestamptz,
    check ((state = 'deleted') = (deleted_at is not null))
);
create index on devices (project, created_at);
create index on devices (state) where state <> 'deleted';

-- What somebody wants of a device. The row is written before any run starts,
-- and is unique by the orderer's own ID: a repeat finds the first outcome.
create table orders (
    id         text  primary key,
    action     text  not null check (action in (
        'provision', 'reinstall', 'deprovision', 'power-on', 'power-off', 'reboot')),
    device     text  not null references devices,
    input      jsonb not null, -- as it was asked; a repeat must say the same
    state      text  not null default 'wanted' check (state in ('wanted', 'started', 'done', 'failed')),
    outcome    text  not null default '', -- a sentence; empty while it is wanted or under way
    wanted_at  timestamptz not null default now(),
    started_at timestamptz,
    ended_at   timestamptz,
    check ((state in ('done', 'failed')) = (ended_at is not null))
);
create index on orders (wanted_at) where state in ('wanted', 'started');
create index on orders (device, wanted_at);

-- Device time that somebody pays for. Exact to the second, from the runs'
-- own moments.
create table usages (
    id         bigint generated always as identity primary key,
    device     text not null references devices,
    plan       text not null references plans,
    started_at timestamptz not null,
    ended_at   timestamptz check (ended_at >= started_at)
);
-- A device is billed once at a time, however often a step repeats.
create unique index one_open_usage on usages (device) where ended_at is null;

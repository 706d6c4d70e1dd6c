-- Events as tenants see them, and their delivery to endpoints of theirs.

alter table events add column project text; -- of an event that is about no device
create index on events (project, id) where project is not null;

create table webhooks (
    id          text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    project     text not null references projects,
    url         text not null,
    description text not null default '',
    types       text[] not null default '{}', -- of events; empty: all
    secret      bytea  not null, -- signs what is sent; sealed, see internal/webhook
    created_at  timestamptz not null default now(),
    changed_at  timestamptz not null default now(),
    disabled_at timestamptz,
    reason      text not null default '', -- why it is disabled
    failing_since timestamptz, -- no delivery got through since then
    deleted_at  timestamptz
);
create index on webhooks (project) where deleted_at is null;

create table deliveries (
    id         text primary key, -- the message's ID, which its receiver can tell repeats by
    webhook    text   not null references webhooks,
    event      bigint references events, -- null: a test
    state      text   not null default 'due' check (state in ('due', 'delivered', 'failed')),
    attempts   int    not null default 0,
    code       int,  -- of the last answer
    outcome    text   not null default '', -- of the last attempt, in a sentence
    made_at    timestamptz not null default clock_timestamp(),
    ended_at   timestamptz,
    check ((state = 'due') = (ended_at is null))
);
create index on deliveries (webhook, made_at);
create index on deliveries (made_at) where state = 'due';

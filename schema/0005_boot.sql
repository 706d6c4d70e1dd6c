-- What each machine should boot next, and what machines said.

create table boot_intents (
    machine    text   primary key references machines,
    number     bigint not null default 0, -- up by one with each intent; tells this boot's reports from an earlier one's
    job        text   not null default 'none' check (job in ('none', 'install', 'erase', 'leave')),
    run        text   not null default '', -- workflow to tell; empty when nobody waits
    epoch      bigint not null default 0, -- the claim under which it was written
    attempt    int    not null default 0, -- which intent of that claim; makes a repeat find its number
    token_hash bytea,  -- SHA-256 of the token in this boot's script
    handed_out timestamptz, -- when an agent took the destructive job
    -- A job belongs to an open run: without one no agent is told to do anything.
    check ((job in ('install', 'erase')) <= (run <> '')),
    check (handed_out is null or job in ('install', 'erase', 'leave'))
);

-- Recorded first, then signalled; what could not be signalled is sent again.
create table reports (
    id           bigint generated always as identity primary key,
    site         text   not null references sites,
    machine      text   not null references machines,
    boot         bigint not null,
    kind         text   not null check (kind in ('agent-up', 'installed', 'erased', 'failed', 'phone-home')),
    detail       text   not null check (length(detail) <= 1000),
    run          text   not null,
    reported_at  timestamptz not null default now(),
    signalled_at timestamptz,
    unique (machine, boot, kind) -- a repeat finds the first
);
create index on reports (site, reported_at) where signalled_at is null;

-- The proof of an erasure outlives machine states and devices.
create table erasures (
    id        bigint generated always as identity primary key,
    machine   text   not null references machines,
    device    text   not null references devices,
    boot      bigint not null,
    proof     text   not null check (proof <> ''),
    erased_at timestamptz not null default now(),
    unique (machine, boot)
);

-- What is forgotten, and when. Tables that grow with what happens, and not with
-- what there is, are kept for as long as the worker is told; docs/soak.md lists
-- them all, and those that are kept for ever.

-- One worker at a time forgets, now and then: taking the turn is one statement.
create table retention (
    taken_at timestamptz not null default 'epoch',
    done_at  timestamptz not null default now() -- when everything was last gone through
);
create unique index one_retention on retention ((true));
insert into retention default values;

-- How many rows of a kind are gone: what is counted for ever must not count
-- down when rows go.
create table forgotten (
    what text   not null, -- the table
    kind text   not null, -- as it is counted: a switch, an action and its end
    n    bigint not null check (n >= 0),
    primary key (what, kind)
);

-- User data may hold a tenant's secrets. It is stored before the device that
-- has it is ordered, and nobody's until then.
alter table user_data add column stored_at timestamptz not null default now();

-- By what is old. Tables with an ascending ID are read from their oldest end,
-- and need no index for it.
create index on orders (ended_at) where ended_at is not null;
create index on issues (closed_at) where closed_at is not null;
create index on burn_ins (at);
create index on invitations (least(ended_at, expires_at));
create index on api_keys (least(revoked_at, expires_at));
create index user_data_of_devices on devices (user_data) where user_data is not null;
-- Whoever forgets an event looks whether a delivery still names it.
create index on deliveries (event);

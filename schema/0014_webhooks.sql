-- Events as tenants see them, and their delivery to endpoints of theirs.

alter table events
    add column project text, -- whose it is; null: the installation's own
    add column type    text, -- as the API calls it; null: for operators alone, since it names switches and machines
    add column words   text, -- what a tenant reads
    add check ((type is null) = (words is null)),
    add check (type is null or project is not null);
create index on events (project, id);
update events e set project = d.project from devices d where d.id = e.device;

create table webhooks (
    id          text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    project     text not null references projects,
    url         text not null,
    description text not null default '',
    types       text[] not null default '{}', -- of events, "instance.*" for all that begin so; empty: all
    secret      bytea  not null, -- signs what is sent; sealed, see internal/webhook
    old_secret  bytea, -- signs too, until its receiver knows the new one
    old_until   timestamptz,
    created_at  timestamptz not null default now(),
    changed_at  timestamptz not null default now(),
    disabled_at timestamptz,
    reason      text not null default '', -- why it is disabled
    failing_since timestamptz, -- no delivery got through since then
    failures    int not null default 0, -- deliveries given up since one got through
    deleted_at  timestamptz,
    check ((old_secret is null) = (old_until is null))
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
    next_at    timestamptz not null default clock_timestamp(), -- not tried before
    ended_at   timestamptz,
    check ((state = 'due') = (ended_at is null))
);
create unique index one_delivery_per_event on deliveries (webhook, event);
create index on deliveries (webhook, made_at);
create index on deliveries (webhook, next_at) where state = 'due';
create index on deliveries (ended_at) where ended_at is not null;

-- An event and its deliveries are one transaction, whoever writes it. Workers
-- listen for the name of the webhook; one that does not hear it is found by
-- reconcile.
create function deliver_event() returns trigger
language plpgsql as $$
begin
    insert into deliveries (id, webhook, event)
    select 'msg_' || replace(gen_random_uuid()::text, '-', ''), w.id, new.id
    from webhooks w
    where w.project = new.project and w.disabled_at is null and w.deleted_at is null
      and (w.types = '{}' or exists (select from unnest(w.types) wanted
           where new.type = wanted or wanted like '%.*' and starts_with(new.type, left(wanted, -1))));
    return null;
end $$;
create trigger deliver_event after insert on events for each row when (new.type is not null) execute function deliver_event();

create function tell_webhook() returns trigger
language plpgsql as $$
begin
    perform pg_notify('webhooks', new.webhook);
    return null;
end $$;
create trigger tell_webhook after insert or update of next_at on deliveries
    for each row when (new.state = 'due' and new.attempts = 0) execute function tell_webhook();

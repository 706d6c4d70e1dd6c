-- Devices that wait for a machine, and fleets: many devices ordered as one.

-- How long an order waits for a machine where none is idle; 0: it is refused.
alter table orders add column patience interval not null default '0' check (patience >= '0');

-- One line for each plan at a site. Laps are start-time fair queueing: a project
-- that has many in the line lets others by after each of its own.
create table lines (
    site   text   not null references sites,
    plan   text   not null references plans,
    served bigint not null default 0, -- the lap of who was served last
    primary key (site, plan)
);

create table waiting (
    device    text        primary key references devices,
    project   text        not null,
    site      text        not null,
    plan      text        not null,
    lap       bigint      not null,
    since     timestamptz not null default now(),
    until     timestamptz not null, -- then the order fails
    seen_at   timestamptz not null default now(), -- its run was known to be open
    called_at timestamptz,                        -- its run was told that a machine is there
    foreign key (site, plan) references lines
);
create index on waiting (site, plan, lap, since, device);
create index on waiting (project, site, plan);

-- Whoever needs no machine any more stands in no line.
create function leave_line() returns trigger
language plpgsql as $$
begin
    delete from waiting where device = new.id;
    return null;
end $$;
create trigger leave_line after update of state on devices for each row
    when (new.state not in ('queued', 'provisioning') and old.state in ('queued', 'provisioning')) execute function leave_line();

-- Workers hear at once that somebody's turn may have come: when a machine is
-- idle, and when somebody joins, who may not have seen one that came meanwhile.
-- Where nobody waits, a machine tells nobody.
create function tell_line() returns trigger
language plpgsql as $$
begin
    if tg_table_name = 'waiting' or exists (select from waiting w where w.site = new.site and w.plan = new.plan) then
        perform pg_notify('turns', new.site || '/' || new.plan);
    end if;
    return null;
end $$;
create trigger tell_line after insert or update of state, reservation, health on machines for each row
    when (new.state = 'idle' and new.reservation is null and new.health <> 'failing') execute function tell_line();
create trigger tell_line after insert on waiting for each row execute function tell_line();

-- How long machines take from their last tenant to the pool, for forecasts.
create index on orders (ended_at) where action = 'deprovision' and state = 'done';

-- A batch that a Fleet run orders, and what became of it.
alter table batches
    add column fleet    text unique, -- its orderer's own ID
    add column input    jsonb,       -- as it was asked; a repeat must say the same
    add column enough   int check (enough between 1 and quantity),
    add column deadline timestamptz, -- what is not active by then is given up
    add column state    text not null default 'done' check (state in ('under way', 'done', 'failed')),
    add column outcome  text not null default '',
    add column ended_at timestamptz,
    add check ((fleet is null) = (input is null) and (fleet is null) = (enough is null) and (fleet is null) = (deadline is null)),
    add check (fleet is null or (state = 'under way') = (ended_at is null));
create index on batches (created_at) where state = 'under way';

-- Machines that wait in the agent are few, and are looked for at each claim.
create index on boot_intents (machine) where job = 'idle' and up_at is not null;

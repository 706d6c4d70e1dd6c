-- What machines print on their serial consoles while a run is at work on them:
-- what is asked for when an installation fails and nobody can say why.

-- One row for each boot of each claim, which is what people ask for. A run
-- that starts a machine three times has three.
create table consoles (
    id         bigint generated always as identity primary key,
    machine    text   not null references machines,
    epoch      bigint not null,   -- the claim at whose time it was written
    boot       bigint not null,   -- the boot number at that time
    device     text   references devices,
    run        text   not null default '', -- the workflow that was told of this boot
    began_at   timestamptz not null default now(),
    last_at    timestamptz not null default now(), -- of the last bytes
    bytes      bigint not null default 0 check (bytes >= 0), -- printed in all, kept or not
    note       text   not null default '', -- why there is nothing to read, in a sentence
    unique (machine, epoch, boot) -- a keeper that takes over goes on where the last one was
);
create index on consoles (last_at);

-- The bytes as they came, rubbish included. The beginning and the end are
-- kept, and what is between them is dropped as more comes: begins says where.
create table console_chunks (
    console bigint not null references consoles on delete cascade,
    begins  bigint not null check (begins >= 0), -- how many bytes came before it
    at      timestamptz not null default clock_timestamp(),
    body    bytea  not null check (length(body) between 1 and 16384),
    primary key (console, begins)
);

-- Who reads a machine's console: a BMC lends it to one. A lease, and no lock,
-- because the machine that a dead worker ran on does not always say goodbye.
create table console_keepers (
    machine  text    primary key references machines,
    keeper   text    not null, -- a process, by a name of its own
    until    timestamptz not null, -- free from then on, unless it is renewed
    attached boolean not null default false, -- somebody sits at it: nobody else may take it
    leaving  text    not null default '', -- who had it before and has not closed it yet
    patience timestamptz not null default now() -- how long that one is waited for
);

-- Keepers hear at once that another one wants a console of theirs.
create function tell_keepers() returns trigger
language plpgsql as $$
begin
    perform pg_notify('console', (select site from machines where id = new.machine) || '/' || new.machine);
    return null;
end $$;
create trigger tell_keepers after update of keeper, leaving on console_keepers for each row
    when (old.keeper <> new.keeper or old.leaving <> new.leaving) execute function tell_keepers();

-- The database was restored from a backup: the world has gone on since. What was
-- not compared with it is in doubt, and nobody touches what is in doubt.

create table restores (
    id       bigint generated always as identity primary key,
    since    timestamptz not null, -- the moment that the records are of
    noted_at timestamptz not null default now(),
    noted_by text not null,
    over_at  timestamptz -- when nothing was in doubt any more
);
create unique index one_restore_at_a_time on restores ((true)) where over_at is null;

create table machine_doubts (
    machine  text primary key references machines on delete cascade,
    site     text not null references sites,
    restore  bigint not null references restores,
    power    text not null default '' check (power in ('', 'on', 'off')),
    kind     text not null default '', -- of the issue, where its BMC does not say
    problem  text not null default '',
    looks    int not null default 0,
    on_since timestamptz, -- since when it is known to be on
    stray    bigint       -- a boot that its agent names, later than the one on record
);
create index on machine_doubts (site);

create table switch_doubts (
    switch  text primary key references switches on delete cascade,
    site    text not null references sites,
    restore bigint not null references restores,
    read_at timestamptz, -- null: dark so far
    problem text not null default ''
);
create index on switch_doubts (site);

-- What was read of the ports of switches, as long as it is not judged.
create table carried_ports (
    switch    text not null references switches on delete cascade,
    port      text not null,
    words     text not null,
    prefixes  cidr[] not null,
    announced cidr[] not null,
    primary key (switch, port)
);

-- What differs, for people.
create table survey_calls (
    id       bigint generated always as identity primary key,
    restore  bigint not null references restores,
    at       timestamptz not null default clock_timestamp(),
    kind     text not null check (kind in ('machine-aside', 'device-gone', 'installed-since', 'address-held', 'goes-on')),
    site     text not null,
    machine  text not null default '',
    port     text not null default '',
    device   text not null default '',
    prefix   cidr,
    evidence text not null,
    next     text not null
);
create index on survey_calls (restore, id);

-- certain says that a machine is not in doubt, or refuses. It is asked with the
-- lock on the row that whoever wants the machine has to take.
create function certain(id text) returns boolean
language plpgsql stable as $$
begin
    if exists (select from machine_doubts where machine = id) then
        raise exception 'machine %: the database was restored, and nobody has compared it with the world yet; the survey does it: starter restored report', id
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    return true;
end $$;

create table epoch_jumps (
    machine text primary key references machines on delete cascade
);

-- Whatever the code does: a machine in doubt stays as it is, but that it may go
-- to quarantine; and no machine gets a device while an unread switch of its site
-- may route the addresses that the device would get.
create function leave_doubted() returns trigger
language plpgsql as $$
begin
    if new.state <> 'quarantined' or new.device is distinct from old.device then
        perform certain(old.id);
    end if;
    if new.epoch > old.epoch then -- claims after the backup had epochs that would come again
        delete from epoch_jumps where machine = old.id;
        if found then
            new.epoch := old.epoch + 1000000;
        end if;
    end if;
    if old.device is null and new.device is not null and exists (select from switch_doubts where site = old.site) then
        raise exception 'site %: the database was restored, and its switches have not all been read yet; the survey does it: starter restored report', old.site
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    return new;
end $$;
create trigger leave_doubted before update of state, device, epoch on machines for each row
    when ((old.state, old.device, old.epoch) is distinct from (new.state, new.device, new.epoch)) execute function leave_doubted();

-- Nor does anybody get an address meanwhile, whatever for: but the survey, which
-- holds what it sees.
create function leave_addresses() returns trigger
language plpgsql as $$
begin
    if exists (select from switch_doubts d left join blocks b on b.prefix = new.block where b.site is null or b.site = d.site)
            and current_setting('millwright.survey', true) is distinct from 'yes' then
        raise exception '%: the database was restored, and a switch may route it that was not read yet; the survey does it: starter restored report', new.prefix
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    return new;
end $$;
create trigger leave_addresses before update of holder on pieces for each row
    when (old.holder is null and new.holder is not null) execute function leave_addresses();
create trigger leave_new_addresses before insert on pieces for each row
    when (new.holder is not null) execute function leave_addresses();

-- boot answers from memory: it is told when a machine is no longer in doubt.
create function tell_boot_of_doubt() returns trigger
language plpgsql as $$
begin
    perform pg_notify('boot', coalesce(new.site, old.site) || '/' || coalesce(new.machine, old.machine));
    return null;
end $$;
create trigger tell_boot_of_doubt after insert or delete on machine_doubts for each row execute function tell_boot_of_doubt();

-- Boots after the backup had numbers that come again. The next one of each
-- machine jumps over them, so that what they say late is of no boot.
create table boot_jumps (
    machine text primary key references machines on delete cascade
);
create function jump_boot() returns trigger
language plpgsql as $$
begin
    delete from boot_jumps where machine = new.machine;
    if found then
        new.number := old.number + 1000000;
    end if;
    return new;
end $$;
create trigger jump_boot before update of number on boot_intents for each row
    when (new.number > old.number) execute function jump_boot();

-- lift_identities lets all numbers that we count jump: those after the backup
-- are known outside, as numbers of bills and places in streams of events.
create function lift_identities(by bigint) returns void
language plpgsql as $$
declare
    c record;
begin
    for c in select format('%I.%I', table_schema, table_name) as its, column_name::text as name from information_schema.columns
            where table_schema = current_schema() and is_identity = 'YES' and data_type = 'bigint' loop
        perform setval(pg_get_serial_sequence(c.its, c.name), nextval(pg_get_serial_sequence(c.its, c.name)) + by);
    end loop;
end $$;

alter table issues
    drop constraint issues_look_check,
    add constraint issues_look_check check (look in ('enrol', 'bmc', 'compare', 'burn-in', 'patrol', 'person', 'survey'));

insert into machine_moves (was, becomes, means) values
    ('occupied', 'quarantined', 'the database was restored, and the machine is not as its records say');

-- What billing needs beside devices' time (usages): what projects have kept for
-- them, and what their devices sent, as switches count it.

-- Everything before this moment is closed: its records are as they will be.
create table usage_sealed (
    until timestamptz not null default 'epoch'
);
create unique index one_seal on usage_sealed ((true));
insert into usage_sealed default values;

-- The moment at which something begins or ends that somebody pays for: to the
-- second, so that the parts of a period add up to it, and never in what is
-- closed, whatever becomes of the server's clock. It is the moment of writing
-- and not of the transaction's beginning: whoever closes a period waits for the
-- writers of these tables, and later ones are beyond it.
create function usage_moment() returns timestamptz language sql volatile
    return (select greatest(date_trunc('second', clock_timestamp()), until) from usage_sealed);

update usages set started_at = date_trunc('second', started_at), ended_at = date_trunc('second', ended_at);
alter table usages
    add column hardware_reservation text references hardware_reservations; -- it was ordered onto hardware that is paid for already

-- A device's time follows its state, whoever changes that: it begins when the
-- device is first handed over, and ends when somebody has it taken apart. In
-- between it goes on, also while the device is off, reinstalled or failed: its
-- machine and addresses are nobody else's.
create function usage_follows_state() returns trigger language plpgsql as $$
begin
    if new.state in ('deprovisioning', 'deleted') then
        update usages set ended_at = greatest(usage_moment(), started_at) where device = new.id and ended_at is null;
    elsif new.state in ('active', 'inactive') then
        insert into usages (device, plan, hardware_reservation, started_at)
        values (new.id, new.plan, new.hardware_reservation, usage_moment())
        on conflict (device) where ended_at is null do nothing;
    end if;
    return null;
end $$;
create trigger usage_follows_state after update of state on devices for each row
    when (old.state is distinct from new.state) execute function usage_follows_state();

-- Addresses and machines that are kept for a project: a row from then to then,
-- written in the transaction that makes or ends the reservation, whoever does.
create table charges (
    id         bigint generated always as identity primary key,
    kind       text not null check (kind in ('address', 'hardware')),
    thing      text not null, -- the reservation
    project    text not null,
    site       text references sites, -- null: addresses of every site
    prefix     cidr check ((kind = 'address') = (prefix is not null)),
    plan       text references plans check ((kind = 'hardware') = (plan is not null)),
    started_at timestamptz not null,
    ended_at   timestamptz check (ended_at >= started_at)
);
-- A reservation is paid for once at a time.
create unique index one_open_charge on charges (kind, thing) where ended_at is null;
create index on charges (project, started_at);
create index on usages (device, started_at);

create function end_charge(what text, of text) returns void language sql
begin atomic
    update charges set ended_at = greatest(usage_moment(), started_at) where kind = what and thing = of and ended_at is null;
end;

create function charge_addresses() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (old.state, old.project, old.prefix) is distinct from (new.state, new.project, new.prefix) then
        perform end_charge('address', old.id);
    end if;
    if new.state = 'created' then
        insert into charges (kind, thing, project, site, prefix, started_at)
        values ('address', new.id, new.project, new.site, new.prefix, usage_moment())
        on conflict (kind, thing) where ended_at is null do nothing;
    end if;
    return null;
end $$;
create trigger charge_addresses after insert or update on reservations for each row execute function charge_addresses();

create function charge_hardware() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (old.ended_at, old.project, old.machine) is distinct from (new.ended_at, new.project, new.machine) then
        perform end_charge('hardware', old.id);
    end if;
    if new.ended_at is null then
        insert into charges (kind, thing, project, site, plan, started_at)
        select 'hardware', new.id, new.project, m.site, m.plan, usage_moment() from machines m where m.id = new.machine
        on conflict (kind, thing) where ended_at is null do nothing;
    end if;
    return null;
end $$;
create trigger charge_hardware after insert or update on hardware_reservations for each row execute function charge_hardware();

-- What there was before these tables.
insert into charges (kind, thing, project, site, prefix, started_at, ended_at)
select 'address', id, project, site, prefix, date_trunc('second', coalesce(decided_at, asked_at)),
    greatest(date_trunc('second', ended_at), date_trunc('second', coalesce(decided_at, asked_at)))
from reservations where prefix is not null and state in ('created', 'released');
insert into charges (kind, thing, project, site, plan, started_at, ended_at)
select 'hardware', h.id, h.project, m.site, m.plan, date_trunc('second', h.made_at), date_trunc('second', h.ended_at)
from hardware_reservations h join machines m on m.id = h.machine;

-- The last reading of each counter: the next one's difference goes to the
-- device that the port has carried since.
create table counters (
    switch  text   not null,
    port    text   not null,
    octets  numeric(20) not null check (octets >= 0), -- from the machine, since the switch began to count
    device  text   references devices, -- whose traffic is being counted
    read_at timestamptz not null, -- when its answer was kept; a reading that began before is dropped
    primary key (switch, port),
    foreign key (switch, port) references ports on delete cascade
);

-- Bytes by device and by the hour in which they were read. Hours that are closed
-- get no more.
create table traffic (
    device text        not null references devices,
    hour   timestamptz not null,
    octets numeric(20) not null check (octets >= 0),
    primary key (device, hour)
);

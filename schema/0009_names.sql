-- Names in the DNS: where they may be made, whose they are, and which may
-- differ from what is held.

create table zones (
    name       text primary key,
    site       text references sites, -- null: every site's
    server     text not null,         -- the primary that takes updates, host:port
    credential text not null,         -- a name; its secret is the TSIG key
    algorithm  text not null default '',
    addresses  cidr,                  -- of a reverse zone whose name does not say it (RFC 2317)
    ttl        interval not null default '5 minutes' check (ttl > '0')
);

-- What stands in a zone, or may: a row is written before its server is asked,
-- so that whatever was made can be taken away.
create table names (
    zone    text not null references zones,
    name    text not null,
    owner   text not null, -- device/<id>, reservation/<id>
    address inet,          -- of a PTR
    target  text,          -- of a PTR
    primary key (zone, name, owner),
    check ((address is null) = (target is null))
);
create index on names (owner);

-- What a project wants an address of its own to be called, instead of what it
-- is called otherwise.
create table pointers (
    address inet primary key,
    project text not null,
    name    text not null,
    set_at  timestamptz not null default now()
);

-- Owners whose names may differ from what they hold. A run brings them at
-- once; reconcile brings what is left.
create table names_due (
    owner text primary key,
    since timestamptz not null default clock_timestamp()
);

-- A device's names follow its addresses, whoever changes them.
create function names_follow_device() returns trigger
language plpgsql as $$
begin
    insert into names_due (owner)
        select 'device/' || d from unnest(array[new.device, case when tg_op = 'UPDATE' then old.device end]) d
        where d is not null and exists (select from zones)
        order by d
    on conflict (owner) do update set since = excluded.since;
    return null;
end $$;
create trigger names_follow_device after update on pieces for each row
    when (old.device is distinct from new.device) execute function names_follow_device();
create trigger names_follow_new_device after insert on pieces for each row
    when (new.device is not null) execute function names_follow_device();

create function names_follow_reservation() returns trigger
language plpgsql as $$
begin
    insert into names_due (owner) select 'reservation/' || new.id where exists (select from zones)
    on conflict (owner) do update set since = excluded.since;
    return null;
end $$;
create trigger names_follow_reservation after insert or update of state on reservations for each row execute function names_follow_reservation();

-- A device is named while it is active; before, there is nobody to reach.
create function names_follow_state() returns trigger
language plpgsql as $$
begin
    insert into names_due (owner) select 'device/' || new.id where exists (select from zones)
    on conflict (owner) do update set since = excluded.since;
    return null;
end $$;
create trigger names_follow_state after update of state on devices for each row
    when (old.state is distinct from new.state and (new.state = 'active' or old.state = 'active')) execute function names_follow_state();

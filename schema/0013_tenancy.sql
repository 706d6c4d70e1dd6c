-- What the API lets tenants say of their devices, and hardware that is kept for
-- a project.

-- A machine that only one project's devices may have.
create table hardware_reservations (
    id         text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    project    text not null,
    machine    text not null references machines,
    made_at    timestamptz not null default now(),
    ended_at   timestamptz,
    unique (id, machine)
);
create unique index one_reservation_per_machine on hardware_reservations (machine) where ended_at is null;
create index on hardware_reservations (project) where ended_at is null;

-- Who a machine is kept for stands with the machine: whoever claims it locks the
-- row that says so.
alter table machines
    add column reservation text unique,
    add foreign key (reservation, id) references hardware_reservations (id, machine);
create index on machines (plan, site); -- which plans a site has, and how many are free

alter table devices
    add column description          text    not null default '',
    add column billing_cycle        text    not null default 'hourly' check (billing_cycle in ('hourly', 'daily', 'monthly', 'yearly')),
    add column locked               boolean not null default false, -- it cannot be deprovisioned or reinstalled
    add column network_frozen       boolean not null default false, -- its addresses cannot be changed
    add column terminate_at         timestamptz, -- when it is deprovisioned by itself
    add column held_off             timestamptz, -- the terminate_at that its lock held off; its tenant was told
    add column created_by           text references users, -- null: an order that came past the API
    add column ssh_key_ids          text[]  not null default '{}', -- which keys ssh_keys were taken from
    add column hardware_reservation text references hardware_reservations,
    add column batch                text,
    -- Which links it gets. The private one is always there.
    add column links                text[]  not null default '{public4,private4,public6}'
        check ('private4' = any (links) and links <@ array['public4', 'private4', 'public6']);
-- Two devices cannot both wait for one machine.
create unique index one_device_awaits_a_reservation on devices (hardware_reservation) where state in ('queued', 'provisioning');
create index on devices (batch) where batch is not null;
create index on devices (project, created_at, id) where state <> 'deleted'; -- lists, a page at a time
create index on devices (terminate_at) where terminate_at is not null and state <> 'deleted';
create index on devices (project, site, plan) where state <> 'deleted';

create table batches (
    id         text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    project    text not null,
    quantity   int  not null check (quantity > 0),
    created_at timestamptz not null default now()
);
create index on batches (project);
alter table devices add foreign key (batch) references batches;

-- The state that the device was in, where an order changed it when it was
-- given: customers' tools take a device that is still active for one that is
-- done. Whoever gives the order up puts the device back.
alter table orders add column was text not null default '';
create index on orders (device) where state = 'wanted';

-- boot answers from memory, and a tenant may change what a device is told.
create function tell_boot_of_device() returns trigger
language plpgsql as $$
begin
    perform pg_notify('boot', m.site || '/' || m.id) from machines m where m.device = new.id;
    return null;
end $$;
create trigger tell_boot_of_device after update of hostname, tags, user_data, custom_data, ipxe_url, always_pxe on devices
    for each row execute function tell_boot_of_device();
create trigger names_follow_hostname after update of hostname on devices for each row
    when (old.hostname is distinct from new.hostname and new.state = 'active') execute function names_follow_state();

-- What the API lets tenants say of their devices, and hardware that is kept for
-- a project.

-- A machine that only one project's devices may have.
create table hardware_reservations (
    id         text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    project    text not null,
    machine    text not null references machines,
    made_at    timestamptz not null default now(),
    ended_at   timestamptz
);
create unique index one_reservation_per_machine on hardware_reservations (machine) where ended_at is null;
create index on hardware_reservations (project) where ended_at is null;

create index on machines (plan, site); -- which plans a site has, and how many are free

alter table devices
    add column description          text    not null default '',
    add column billing_cycle        text    not null default 'hourly' check (billing_cycle in ('hourly', 'daily', 'monthly', 'yearly')),
    add column locked               boolean not null default false, -- it cannot be deprovisioned or reinstalled
    add column network_frozen       boolean not null default false, -- its addresses cannot be changed
    add column terminate_at         timestamptz, -- when it is deprovisioned by itself
    add column created_by           text references users, -- null: an order that came past the API
    add column ssh_key_ids          text[]  not null default '{}', -- which keys ssh_keys were taken from
    add column hardware_reservation text references hardware_reservations,
    add column batch                text,
    -- Which links it gets. The private one is always there.
    add column links                text[]  not null default '{public4,private4,public6}'
        check ('private4' = any (links) and links <@ array['public4', 'private4', 'public6']);
create index on devices (batch) where batch is not null;
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

-- The physical servers, and the switch ports that they hang on.

create table machines (
    id          text primary key,
    site        text    not null references sites,
    rack        text    not null,
    unit        int     not null,
    plan        text    not null references plans,
    firmware    text    not null check (firmware in ('bios', 'uefi')),
    kexec       boolean not null,
    bmc         jsonb   not null, -- address, protocol, credential (a name), fingerprint, cipher_suite
    bmc_address text    not null unique generated always as (bmc ->> 'address') stored,
    disks       jsonb   not null,

    state       text    not null default 'idle'
        check (state in ('idle', 'claimed', 'occupied', 'quarantined')),
    device      text    unique references devices, -- promise 2: a device has one machine, a machine one device
    epoch       bigint  not null default 0, -- raised by every claim and release; ghosts name an older one
    dirty       boolean not null default false, -- disks hold, or may hold, a tenant's data
    reason      text    not null default '', -- why it is in quarantine
    changed_at  timestamptz not null default now(),

    foreign key (site, rack) references racks,
    check (state not in ('claimed', 'occupied') or device is not null),
    check (state <> 'idle' or device is null),
    check (state <> 'idle' or not dirty), -- promise 4: an unproven erase never reaches the pool
    check ((state = 'quarantined') = (reason <> ''))
);
create index on machines (site, plan, rack) where state = 'idle';

-- A port and what it should be. A change of intent raises generation; applied
-- is the generation that was last committed to the switch and read back.
create table ports (
    switch     text   not null references switches,
    name       text   not null,
    machine    text   not null references machines,
    profile    text   not null default 'parked' check (profile in ('disabled', 'parked', 'tenant')),
    device     text   references devices, -- whose links it carries
    generation bigint not null default 1,
    applied    bigint not null default 0 check (applied <= generation),
    reason     text   not null default '', -- who or what changed the intent last, for the commit's comment
    primary key (switch, name),
    check ((profile = 'tenant') = (device is not null))
);
create unique index one_tenant_port on ports (device); -- one link to one switch for now

create table nics (
    mac      macaddr primary key, -- promise 2: a MAC is one machine's
    machine  text not null references machines,
    switch   text not null,
    port     text not null,
    position int  not null, -- 0 boots
    unique (machine, position),
    unique (switch, port), -- a port is one NIC's
    foreign key (switch, port) references ports deferrable initially deferred
);

-- Real installs: images by their IDs, first boot, rescue, machines that wait
-- warm, the tenants' own iPXE scripts, and what agents say while they work.

-- An image is named by its ID in the site's image store. Rows of earlier
-- releases named a file: they have no image until their site is imported again.
alter table operating_systems
    drop column sha256,
    alter column image drop not null,
    alter column size drop not null,
    add column arch       text not null default 'x86_64' check (arch in ('x86_64', 'aarch64')),
    add column first_boot text not null default 'cloud-init'
        check (first_boot in ('cloud-init', 'ignition', 'flatcar', 'ipxe', 'plain')),
    add column proven     text not null default '', -- how it was seen to boot, in a sentence
    add column proven_at  timestamptz,
    add check ((proven_at is null) = (proven = ''));
update operating_systems set image = null, size = null;
alter table operating_systems
    add check (image ~ '^[0-9a-f]{64}$'),
    add check ((image is null) = (size is null)),
    add check (first_boot <> 'ipxe' or image is null);

alter table plans add column warm int not null default 0 check (warm >= 0); -- idle machines that wait in the agent, at each site

alter table sites add column agent_version text not null default ''; -- what its boot services hand out

alter table devices
    add column ipxe_url    text    not null default '', -- the tenant's script
    add column always_pxe  boolean not null default false, -- boot it each time, not the first time only
    add column storage     jsonb, -- layout of the disks; null: the default
    add column custom_data jsonb   not null default '{}' check (jsonb_typeof(custom_data) = 'object');

alter table orders drop constraint orders_action_check, add constraint orders_action_check check (action in (
    'provision', 'reinstall', 'deprovision', 'power-on', 'power-off', 'reboot', 'rescue'));

-- A machine can be held by a run of its own, without a device.
alter table machines
    add column run          text not null default '', -- workflow that holds it so
    add column kexec_failed text not null default '', -- why kexec is not tried any more
    drop constraint machines_check,
    add constraint claimed_by_somebody check (state <> 'claimed' or device is not null or run <> ''),
    add constraint occupied_by_a_device check (state <> 'occupied' or device is not null),
    add constraint runs_hold_claimed check (run = '' or (state = 'claimed' and device is null));

alter table boot_intents
    drop constraint boot_intents_job_check,
    add constraint boot_intents_job_check check (job in ('none', 'install', 'erase', 'leave', 'rescue', 'idle', 'ipxe')),
    add column warm          boolean not null default false, -- the intent went to an agent that was waiting
    add column agent_version text    not null default '',    -- of the agent that last came up
    add column up_at         timestamptz, -- when it came up in this boot
    add column seen_at       timestamptz; -- when it last asked for its job

alter table reports
    drop constraint reports_kind_check,
    add constraint reports_kind_check check (kind in (
        'agent-up', 'installed', 'erased', 'failed', 'phone-home', 'rescued', 'no-kexec', 'script-served'));

-- What is known of each disk's erasure, signed when it is kept. It outlives
-- machines and devices, and is the tenant's to have.
create table certificates (
    id        bigint generated always as identity primary key,
    machine   text   not null references machines,
    device    text   references devices, -- whose data it was
    boot      bigint not null,
    serial    text   not null, -- of the disk
    body      text   not null, -- JSON, the very bytes that are signed
    signature bytea  not null check (length(signature) = 64), -- Ed25519
    key       text   not null, -- which key signed
    at        timestamptz not null default now(),
    unique (machine, boot, serial) -- a repeat finds the first
);
create index on certificates (device);

-- The public halves of the keys that sign, to check certificates by.
create table certificate_keys (
    id  text primary key, -- SHA-256 of its DER form
    pem text not null
);
alter table certificates add foreign key (key) references certificate_keys;

-- What the machine is made of, as its agent last read it.
create table inventories (
    machine text   primary key references machines,
    boot    bigint not null,
    body    jsonb  not null check (pg_column_size(body) <= 262144),
    at      timestamptz not null default now()
);

-- How far a machine's agent is with its job.
create table steps (
    machine text   primary key references machines,
    boot    bigint not null,
    step    text   not null,
    done    bigint not null,
    total   bigint not null,
    words   text   not null,
    since   timestamptz not null default now(), -- when this step began
    at      timestamptz not null default now()
);

-- What agents log, piece by piece, by boot.
create table agent_logs (
    machine text   not null references machines,
    boot    bigint not null,
    place   bigint not null check (place between 0 and 4194304), -- byte of the boot's log that the piece begins at
    body    text   not null,
    at      timestamptz not null default now(),
    primary key (machine, boot, place)
);
create index on agent_logs (at);

-- Switches as reconciled things: what a port should carry beside its links, what
-- a switch refused, what was committed and why, and what is otherwise than it
-- should be.

alter table switches
    add column driver       text    not null default 'junos' check (driver in ('junos', 'frr')),
    add column filter_terms int     not null default 0 check (filter_terms >= 0), -- that its hardware has room for; 0: not known
    add column repair       boolean not null default false,                       -- drift is mended, not only reported
    add column checked_at   timestamptz;                                          -- when it was last compared with what it should be

-- How machines peer with their switches: the same in every rack of a site.
alter table sites
    add column as_number     bigint check (as_number between 1 and 4294967294),     -- the switches' side
    add column peer_as       bigint check (peer_as between 1 and 4294967294),       -- a machine's, where its project has none
    add column bgp_addresses inet[] not null default '{}'; -- where switches listen; at most one of each family

alter table ports
    add column position  int     not null default 0, -- which of its machine's ports; 0 boots and carries the links
    add column members   text[]  not null default '{}', -- physical interfaces of a bundle, the one that boots first
    add column advertise boolean not null default false, -- router advertisements, for firmware that waits for them
    add column refused   bigint, -- the generation that the switch refused
    add column refusal   text,   -- in its words
    add check ((refused is null) = (refusal is null));
update ports p set position = n.position from nics n where n.switch = p.switch and n.port = p.name;
drop index one_tenant_port; -- a machine on two switches has two
create unique index one_port_per_switch on ports (device, switch) where device is not null;
create index pending_ports on ports (switch) where applied < generation;

-- A NIC of a bundle hangs on a member of it.
alter table nics
    add column member text not null default '', -- the physical interface; empty where the port is one
    drop constraint nics_switch_port_key,
    add unique (switch, port, member);

create table project_bgp (
    project    text primary key,
    deployment text   not null check (deployment in ('local', 'global')), -- the site's private AS, or the tenant's own
    peer_as    bigint not null check (peer_as between 1 and 4294967294),
    secret     text   not null default '', -- name of the credential with the MD5 key
    enabled_at timestamptz not null default now()
);

create table bgp_sessions (
    device   text not null references devices,
    family   int  not null check (family in (4, 6)),
    -- As the switch said when it was last asked.
    state    text not null default '',
    received int  not null default 0,
    accepted int  not null default 0,
    seen_at  timestamptz,
    primary key (device, family)
);

-- What was committed to a switch, for whom and why.
create table commits (
    id      bigint generated always as identity primary key,
    switch  text   not null references switches,
    at      timestamptz not null default clock_timestamp(),
    comment text   not null,
    ports   text[] not null, -- whose configuration changed
    refused text[] not null default '{}', -- and who were left out, "port: why"
    diff    text   not null
);
create index on commits (switch, id);

-- Ports that are not as intended, since a check first saw it. A check replaces
-- what the one before found.
create table drifts (
    switch text not null,
    port   text not null,
    diff   text not null,
    since  timestamptz not null default now(),
    primary key (switch, port),
    foreign key (switch, port) references ports on delete cascade
);

-- Cables that are not where the site file says: by LLDP, a machine's MAC is
-- heard on another port than its own.
create table miscablings (
    switch   text not null references switches on delete cascade,
    port     text not null, -- the physical interface where it is heard
    machine  text not null references machines on delete cascade,
    declared text not null, -- "tor-r1:xe-0/0/7", where it should be
    since    timestamptz not null default now(),
    primary key (switch, port)
);

-- What somebody asked to see of a switch, and its answer.
create table switch_answers (
    id     text primary key, -- the run that asked
    switch text not null references switches on delete cascade,
    at     timestamptz not null default now(),
    body   text not null
);

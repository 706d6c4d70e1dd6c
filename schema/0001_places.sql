-- Where things stand: sites, racks, switches, ports; and what can be chosen:
-- plans and operating systems. All of it comes from the site file.

create table sites (
    id    text primary key check (id ~ '^[a-z0-9][a-z0-9-]*$'),
    metro text   not null,
    boot  inet[] not null check (cardinality(boot) > 0) -- what machines may always reach
);

create table racks (
    site text not null references sites,
    id   text not null,
    primary key (site, id)
);

create table switches (
    id         text primary key, -- its host name; a relay's circuit-id begins with it
    site       text not null references sites,
    rack       text not null,
    address    text not null unique,
    host_key   text not null,
    credential text not null, -- a name; secrets are never in the database in clear
    foreign key (site, rack) references racks
);

create table plans (
    id          text primary key,
    description text  not null,
    hardware    jsonb not null, -- cores, memory_gib, disks_gb
    -- How long its machines may take before a run takes its next step: POST
    -- takes 3 minutes on one model and 30 on another.
    boot_limit       interval not null check (boot_limit > '0'),       -- power-on to agent
    install_limit    interval not null check (install_limit > '0'),    -- agent to image proven; erasing too
    phone_home_limit interval not null check (phone_home_limit > '0')  -- agent gone to system up
);

create table operating_systems (
    id      text primary key,
    name    text   not null,
    distro  text   not null,
    version text   not null,
    image   text   not null, -- file name under boot's /images/
    sha256  text   not null check (sha256 ~ '^[0-9a-f]{64}$'),
    size    bigint not null check (size > 0)
);

create table plan_operating_systems (
    plan             text not null references plans,
    operating_system text not null references operating_systems,
    primary key (plan, operating_system)
);

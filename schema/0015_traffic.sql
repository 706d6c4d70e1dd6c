-- What devices sent, as switches count it, for whoever bills it.

-- The last reading of each counter: the next one's difference goes to the
-- device that the port carries then.
create table counters (
    switch  text   not null,
    port    text   not null,
    octets  numeric(20) not null check (octets >= 0), -- from the machine, since the switch began to count
    device  text   references devices, -- whose traffic is being counted
    read_at timestamptz not null,
    primary key (switch, port),
    foreign key (switch, port) references ports on delete cascade
);

-- Bytes by device and hour.
create table traffic (
    device text        not null references devices,
    hour   timestamptz not null,
    octets numeric(20) not null check (octets >= 0),
    primary key (device, hour)
);

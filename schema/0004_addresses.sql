-- Address space: blocks, what is free in them, and who holds the rest.
--
-- A buddy allocator over rows. A block begins as one free row; taking a lease
-- splits the smallest free row that is large enough, so that large ones
-- survive; giving it back merges buddies again. free + leases = block, always.

create table blocks (
    prefix cidr primary key,
    site   text not null references sites,
    role   text not null check (role in ('install', 'public', 'private')),
    exclude using gist ((prefix::inet) inet_ops with &&) -- no block inside another
);

create table free_prefixes (
    prefix cidr primary key,
    block  cidr not null references blocks,
    len    int  not null generated always as (masklen(prefix)) stored,
    exclude using gist ((prefix::inet) inet_ops with &&)
);
-- Smallest sufficient first: longest prefix, then lowest address.
create index free_by_size on free_prefixes (block, len desc, prefix);

create table leases (
    prefix   cidr primary key,
    block    cidr not null references blocks,
    device   text references devices,
    switch   text,
    port     text,
    taken_at timestamptz not null default now(),
    released timestamptz,  -- since when it is in quarantine: neighbours remember an address
    foreign key (switch, port) references ports,
    check (num_nonnulls(device, switch) = 1 and (switch is null) = (port is null)),
    check (released is null or device is not null), -- a port's install link is permanent
    exclude using gist ((prefix::inet) inet_ops with &&) -- promise 2: the last word on double holding
);
create index on leases (device) where released is null;
create unique index one_install_link on leases (switch, port);
create index on leases (released) where released is not null;
-- A device has one link per block, however often the step repeats.
create unique index one_link_per_block on leases (device, block) where released is null;

-- lock_block makes callers take turns at a block, until their transactions end.
-- Without it the exclusion constraint makes them wait for each other's rows in
-- any order, and deadlocks cost a second each. Who needs several blocks takes
-- them in the order of their prefixes.
create function lock_block(in_block cidr) returns void
language sql as $$
    select pg_advisory_xact_lock(hashtextextended('millwright block ' || in_block::text, 0))
$$;

-- take_prefix cuts a prefix of the given length out of a block and returns it;
-- null when the block has no room for it.
create function take_prefix(in_block cidr, in_len int) returns cidr
language plpgsql as $$
declare
    got cidr;
begin
    perform lock_block(in_block);
    delete from free_prefixes where prefix = (
        select prefix from free_prefixes
        where block = in_block and len <= in_len
        order by len desc, prefix limit 1)
    returning prefix into got;
    while masklen(got) < in_len loop -- keep the lower half, free the upper one
        insert into free_prefixes (prefix, block)
        values (set_masklen(broadcast(got), masklen(got) + 1)::cidr, in_block);
        got := set_masklen(got, masklen(got) + 1);
    end loop;
    return got;
end $$;

-- buddy_of returns the other half of the prefix's parent.
create function buddy_of(p cidr) returns cidr
language sql immutable strict as $$
    select case when p = lower_half
        then set_masklen(broadcast(set_masklen(p, masklen(p) - 1)), masklen(p))::cidr
        else lower_half end
    from (select set_masklen(set_masklen(p, masklen(p) - 1), masklen(p)) as lower_half) halves
$$;

-- give_back_prefix returns a prefix to its block and merges it with its
-- buddies as far as they are free.
create function give_back_prefix(in_prefix cidr, in_block cidr) returns void
language plpgsql as $$
declare
    merged cidr := in_prefix;
begin
    perform lock_block(in_block);
    while masklen(merged) > masklen(in_block) loop
        delete from free_prefixes where prefix = buddy_of(merged);
        exit when not found;
        merged := set_masklen(merged, masklen(merged) - 1);
    end loop;
    insert into free_prefixes (prefix, block) values (merged, in_block);
end $$;

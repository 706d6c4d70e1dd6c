-- Address space: what registries gave, the blocks cut from it, and the pieces
-- that tile it. A piece is free, held, or resting after it was given back.
--
-- Pieces replace the earlier leases and free prefixes. Two btree indexes and a
-- foreign key say all that matters. Each piece begins somewhere else (first),
-- ends somewhere else (next), and where it ends another one begins, in a ring
-- from an aggregate's last address to its first. So the pieces of an aggregate
-- cover every address of it exactly once: an address with two holders, and a
-- lost one, cannot be written down.

create table aggregates (
    prefix   cidr primary key,
    registry text not null default '' check (registry ~ '^[a-z0-9-]*$'), -- ripe, arin, …, rfc1918; empty: nobody said
    status   text not null default '', -- the registry's word: ALLOCATED PA, …
    given    date,                     -- by the registry
    note     text not null default '',
    assumed  boolean not null default false, -- for a block that no aggregate had; a larger one takes it in
    exclude using gist ((prefix::inet) inet_ops with &&)
);

-- Aggregates that nobody has to be asked for.
create table special_space (
    prefix   cidr primary key,
    registry text not null
);
insert into special_space values
    ('10.0.0.0/8', 'rfc1918'), ('172.16.0.0/12', 'rfc1918'), ('192.168.0.0/16', 'rfc1918'),
    ('100.64.0.0/10', 'rfc6598'), ('169.254.0.0/16', 'rfc3927'), ('127.0.0.0/8', 'rfc1122'),
    ('192.0.2.0/24', 'rfc5737'), ('198.51.100.0/24', 'rfc5737'), ('203.0.113.0/24', 'rfc5737'), ('198.18.0.0/15', 'rfc2544'),
    ('fc00::/7', 'rfc4193'), ('2001:db8::/32', 'rfc3849'), ('3fff::/20', 'rfc9637');

create table space_rules (
    role  text primary key,
    rest  interval not null default '15 minutes' check (rest >= '0') -- how long switches and neighbours may remember an address
);
insert into space_rules (role) values
    ('install'), ('public'), ('private'), ('management'), ('loopback'), ('link'), ('anycast');

alter table blocks drop constraint blocks_prefix_excl;
alter table blocks drop constraint blocks_role_check;
alter table blocks alter column site drop not null; -- global anycast is no site's
alter table blocks
    add column aggregate cidr,
    add column parent    cidr references blocks, -- null: cut from the aggregate itself
    add column purpose   text not null default 'pool' check (purpose in ('pool', 'own', 'reservation')),
    add column project   text,
    add column note      text not null default '',
    add column made_at   timestamptz not null default now(),
    add column filed     boolean not null default false, -- stands in its site's file; what operators added does not
    add foreign key (role) references space_rules,
    add check ((role = 'anycast') = (site is null)),
    add check ((purpose = 'pool') = (project is null)),
    add check (parent is null or prefix << parent);
create index on blocks (parent);
create index on blocks (project) where project is not null;
create index on blocks (site, role) where purpose = 'pool';

-- Who may take from a block; everybody where it has no row.
create table block_projects (
    block   cidr not null references blocks on delete cascade,
    project text not null,
    primary key (block, project)
);

-- The first address of a prefix; and the one after its last, around the
-- aggregate. PL/pgSQL, because Postgres parses an expression of a column or a
-- check anew in every statement: spelt out there, these cost as much as a lease.
create function first_of(p cidr) returns inet
language plpgsql immutable strict as $$
begin
    return set_masklen(p::inet, case family(p) when 4 then 32 else 128 end);
end $$;

create function next_of(p cidr, aggregate cidr) returns inet
language plpgsql immutable strict as $$
declare
    bits int  := case family(p) when 4 then 32 else 128 end;
    last inet := set_masklen(broadcast(p), bits);
begin
    if last = set_masklen(broadcast(aggregate), bits) then
        return set_masklen(aggregate::inet, bits);
    end if;
    return last + 1;
end $$;

create function device_of(holder text) returns text
language plpgsql immutable strict as $$
begin
    return case when holder like 'device/%' then substr(holder, 8) end;
end $$;

create table pieces (
    prefix    cidr not null,
    aggregate cidr not null,
    block     cidr,          -- the innermost block; null: not in a block yet
    first     inet primary key generated always as (first_of(prefix)) stored,
    next      inet not null generated always as (next_of(prefix, aggregate)) stored,
    holder    text check (holder ~ '^(device|port|project|imported)/.'),
    ask       text,        -- which of its holder's: asking twice is asking once
    taken_at  timestamptz,
    released  timestamptz, -- since when it rests
    device    text generated always as (device_of(holder)) stored references devices,
    check (prefix <<= aggregate and prefix <<= block),
    check (num_nonnulls(holder, ask, taken_at) in (0, 3)),
    check (holder is null or released is null),
    constraint nothing_lost foreign key (next) references pieces (first) deferrable initially deferred
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
-- Partial, though it leaves nothing out: to a full one rows would be locked as
-- by their key, and a split would stand in its neighbours' way.
create unique index nothing_twice on pieces (next) where next is not null;
-- Smallest sufficient first, then lowest: large pieces survive.
create index free_pieces on pieces (block, masklen(prefix) desc, first) where holder is null and released is null;
create unique index one_per_ask on pieces (holder, ask) where holder is not null;
create index resting_pieces on pieces (released) where released is not null;
create index pieces_of_device on pieces (device) where device is not null;

-- Who held what until when, for the abuse desk. What lasts is in pieces.
create table tenures (
    id      bigint generated always as identity primary key,
    prefix  cidr not null,
    block   cidr not null,
    role    text not null,
    site    text,
    holder  text not null,
    ask     text not null,
    project text, -- whose device or reservation it was
    since   timestamptz not null,
    until   timestamptz not null
);
create index on tenures (prefix, until);
create index on tenures (holder, until);
create index on tenures (until);

-- remember writes the tenure that ends. A trigger, so that no way of giving
-- back can forget it.
create function remember() returns trigger
language plpgsql as $$
begin
    insert into tenures (prefix, block, role, site, holder, ask, project, since, until)
    select old.prefix, b.prefix, b.role, b.site, old.holder, old.ask,
        coalesce(b.project, (select project from devices where id = old.device), case when old.holder like 'project/%' then substr(old.holder, 9) end),
        old.taken_at, clock_timestamp()
    from blocks b where b.prefix = old.block;
    return null;
end $$;
create trigger remember after update of holder on pieces for each row
    when (old.holder is not null and new.holder is distinct from old.holder) execute function remember();
create trigger remember_deleted after delete on pieces for each row
    when (old.holder is not null) execute function remember();

-- take_prefixes leases one prefix of the given length to each (holder, ask),
-- and answers by their positions. An ask that has one gets that one. It answers
-- fewer rows than were asked when the block has no room, and raises
-- lock_not_available when other transactions are taking what is left: try again.
-- Safe to repeat.
--
-- It takes the smallest pieces that do, from their beginnings, and writes all of
-- them with one update and one insert, because a statement that changes a row
-- costs as much as ten rows more. Its statements are planned once for a session,
-- by index whatever the size of the table then: planning them for each call takes
-- longer than running them.
create function take_prefixes(in_block cidr, in_len int, in_holders text[], in_asks text[])
returns table (at int, got cidr)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    roomy  cursor for -- fetches, and so locks, no more pieces than it is asked for
        select x.first, x.prefix, x.aggregate from pieces x
        where x.block = in_block and x.holder is null and x.released is null and masklen(x.prefix) <= in_len
        order by masklen(x.prefix) desc, x.first for no key update skip locked;
    wanted int := cardinality(in_asks);
    whole  cidr;           -- the block's aggregate
    begins inet[] := '{}'; -- of the pieces that are used
    starts int[]  := '{}'; -- the first position that each of them serves
    taken  cidr[] := '{}'; -- by position
    rest   cidr[] := '{}'; -- what stays free of them
    used   int;
begin
    if exists (select from unnest(in_holders, in_asks) w (holder, ask) join pieces x on x.holder = w.holder and x.ask = w.ask) then
        return query select * from take_missing(in_block, in_len, in_holders, in_asks);
        return;
    end if;
    at := 0;
    for piece in roomy loop
        exit when wanted = 0;
        whole := piece.aggregate;
        got := set_masklen(piece.prefix, in_len);
        begins := begins || piece.first;
        starts := starts || at + 1;
        loop
            at := at + 1;
            taken := taken || got;
            return next;
            exit when at = wanted or host(broadcast(got)) = host(broadcast(piece.prefix));
            got := (broadcast(got) + 1)::cidr;
        end loop;
        if masklen(piece.prefix) < in_len then
            rest := rest || rest_after(got, piece.prefix);
        end if;
        exit when at = wanted;
    end loop;
    if at < wanted and exists (select from pieces x where x.block = in_block and x.holder is null and x.released is null
            and masklen(x.prefix) <= in_len and x.first <> all (begins)) then
        raise exception 'block %: others are taking what is left of it', in_block using errcode = 'lock_not_available';
    end if;
    -- By the key alone: "holder is null" would allow the index of free pieces, and a join a plan that reads all of it.
    update pieces p set taken_at = now(), (prefix, holder, ask) = (
            select taken[i], in_holders[i], in_asks[i] from (select starts[array_position(begins, p.first)]) u (i))
        where p.first = any (begins) and num_nulls(p.holder, p.released) = 2;
    get diagnostics used = row_count;
    if used < cardinality(begins) then -- cannot be, as long as the cursor locks what it finds
        raise exception 'block %: others were faster', in_block using errcode = 'lock_not_available';
    end if;
    if cardinality(taken) + cardinality(rest) > cardinality(starts) then
        insert into pieces (prefix, aggregate, block, holder, ask, taken_at) -- the rest comes last and has no holder
        select u.got, whole, in_block, u.holder, u.ask, case when u.holder is not null then now() end
            from unnest(taken || rest, in_holders, in_asks) with ordinality u (got, holder, ask, i)
            where u.got is not null and u.i <> all (starts);
    end if;
end $$;

-- take_missing is take_prefixes where some asks have their prefixes already.
create function take_missing(in_block cidr, in_len int, in_holders text[], in_asks text[])
returns table (at int, got cidr)
language plpgsql as $$
declare
    todo int[]; -- positions that have nothing yet
begin
    return query select w.i::int, x.prefix
        from unnest(in_holders, in_asks) with ordinality w (holder, ask, i)
        join pieces x on x.holder = w.holder and x.ask = w.ask;
    select array_agg(w.i order by w.i) into todo
        from unnest(in_holders, in_asks) with ordinality w (holder, ask, i)
        where not exists (select from pieces x where x.holder = w.holder and x.ask = w.ask);
    if todo is not null then
        return query select todo[t.at], t.got from take_prefixes(in_block, in_len,
            array(select in_holders[i] from unnest(todo) i), array(select in_asks[i] from unnest(todo) i)) t;
    end if;
end $$;

-- rest_after is what stays free of a piece behind a prefix in it, smallest
-- first: wherever the prefix is in a lower half, the upper half.
create function rest_after(used cidr, piece cidr) returns cidr[]
language plpgsql immutable strict as $$
declare
    half cidr := used;
    rest cidr[] := '{}';
begin
    while masklen(half) > masklen(piece) loop
        if set_masklen(set_masklen(half, masklen(half) - 1), masklen(half)) = half then
            rest := rest || (broadcast(half) + 1)::cidr;
        end if;
        half := set_masklen(half, masklen(half) - 1);
    end loop;
    return rest;
end $$;

-- piece_at is where the piece begins that an address is in, locked; null where
-- no aggregate has the address. Like all that looks for one piece it reads no
-- table whole: a session keeps the plan that it made while the table was small.
create function piece_at(address inet) returns inet
language plpgsql set enable_seqscan = off as $$
declare
    p      pieces;
    before inet;
begin
    loop
        select * into p from pieces where first <= address order by first desc limit 1 for no key update;
        if address <<= p.prefix then
            return p.first;
        end if;
        if p.first is not distinct from before then
            return null;
        end if;
        before := p.first; -- it may have been split while this waited for it: look again
    end loop;
end $$;

-- split_piece cuts the free piece that begins at an address, so that the wanted
-- prefix is a piece of its own. The caller has it locked.
create function split_piece(at inet, wanted cidr) returns void
language plpgsql set enable_seqscan = off as $$
declare
    piece pieces;
    parts cidr[] := array[wanted];
begin
    -- Not "holder is null", which would allow the index of free pieces, and a plan that reads all of it.
    select * into strict piece from pieces where first = at and num_nulls(holder, released) = 2 and prefix >>= wanted for no key update;
    for l in masklen(piece.prefix) + 1 .. masklen(wanted) loop
        parts := parts || buddy_of(set_masklen(wanted, l));
    end loop;
    -- One of them begins where the piece did, and stays in its row.
    update pieces set prefix = x from unnest(parts) x where first = at and host(x) = host(at);
    insert into pieces (prefix, aggregate, block)
        select x, piece.aggregate, piece.block from unnest(parts) x where host(x) <> host(at);
end $$;

-- import_piece makes a lease of free space, or, without a holder, a rest. Of a
-- rest either moment says when it ends.
create function import_piece(wanted cidr, in_holder text, in_ask text, in_since timestamptz, in_until timestamptz) returns void
language plpgsql set enable_seqscan = off as $$
declare
    at   inet := piece_at(first_of(wanted));
    its  text; -- role
begin
    perform split_piece(at, wanted);
    select b.role into strict its from pieces p join blocks b on b.prefix = p.block where p.first = first_of(wanted);
    update pieces p set holder = in_holder, ask = in_ask,
        taken_at = case when in_holder is not null then coalesce(in_since, now()) end,
        released = case when in_holder is null then coalesce(in_since, in_until - r.rest, now()) end
    from space_rules r where p.first = first_of(wanted) and r.role = its;
end $$;

-- free_pieces makes pieces of a block free and merges them with their buddies.
-- Whoever frees takes turns at the block: two that merge towards each other
-- would wait crosswise. Whoever leases waits for nobody.
create function free_pieces(in_block cidr, begins inet[]) returns void
language plpgsql as $$
declare
    at inet;
begin
    perform lock_block(in_block);
    foreach at in array begins loop
        update pieces set holder = null, ask = null, taken_at = null, released = null where first = at;
        perform merge_piece(at);
    end loop;
end $$;

-- merge_piece joins a free piece with its free buddies, as far as their block
-- goes, or the aggregate where they are in none.
create function merge_piece(at inet) returns void
language plpgsql set enable_seqscan = off as $$
declare
    piece pieces;
    buddy pieces;
begin
    select * into piece from pieces where first = at for no key update; -- or merged into another by now
    while masklen(piece.prefix) > masklen(coalesce(piece.block, piece.aggregate)) loop
        select * into buddy from pieces
            where prefix = buddy_of(piece.prefix) and first = first_of(buddy_of(piece.prefix))
              and block is not distinct from piece.block and num_nulls(holder, released) = 2 -- as in split_piece
            for no key update skip locked; -- one that is being leased is not free any more
        exit when not found;
        delete from pieces where first = greatest(piece.first, buddy.first);
        update pieces set prefix = set_masklen(prefix, masklen(prefix) - 1)
            where first = least(piece.first, buddy.first) returning * into piece;
    end loop;
end $$;

-- add_aggregate adds space that a registry gave. Smaller aggregates within it
-- that were only assumed become part of it.
create function add_aggregate(in_prefix cidr, in_registry text, in_status text, in_given date, in_note text, in_assumed boolean) returns void
language plpgsql as $$
declare
    gaps cidr[] := array[in_prefix];
    part cidr;
    gap  cidr;
begin
    for part in select prefix from aggregates where prefix << in_prefix and assumed order by prefix desc loop
        select g into strict gap from unnest(gaps) g where g >>= part;
        gaps := array_remove(gaps, gap);
        for l in masklen(gap) + 1 .. masklen(part) loop
            gaps := gaps || buddy_of(set_masklen(part, l));
        end loop;
        -- Highest first: where one ends, the next has moved its end away.
        update pieces set aggregate = in_prefix where aggregate = part;
    end loop;
    delete from aggregates where prefix << in_prefix and assumed;
    insert into aggregates (prefix, registry, status, given, note, assumed) values (in_prefix, in_registry, in_status, in_given, in_note, in_assumed);
    update blocks set aggregate = in_prefix where prefix <<= in_prefix;
    insert into pieces (prefix, aggregate) select g, in_prefix from unnest(gaps) g;
    perform merge_piece(first_of(g)) from unnest(gaps) g;
end $$;

-- add_block makes a block of free space: of its parent, or of an aggregate. One
-- that no aggregate has gets an aggregate that is assumed.
create function add_block(in_prefix cidr, in_parent cidr, in_site text, in_role text, in_purpose text, in_project text, in_note text) returns void
language plpgsql as $$
declare
    at inet;
begin
    if not exists (select from aggregates where prefix >>= in_prefix) then
        perform pg_advisory_xact_lock(hashtextextended('millwright aggregates', 0));
    end if;
    if not exists (select from aggregates where prefix >>= in_prefix) then
        perform add_aggregate(coalesce(s.prefix, in_prefix), coalesce(s.registry, ''), '', null, '', true)
            from (select 1) one left join special_space s on s.prefix >>= in_prefix;
    end if;
    at := piece_at(first_of(in_prefix));
    perform split_piece(at, in_prefix);
    insert into blocks (prefix, aggregate, parent, site, role, purpose, project, note)
        select in_prefix, aggregate, in_parent, in_site, in_role, in_purpose, in_project, in_note from pieces where first = at;
    update pieces set block = in_prefix where prefix = in_prefix and block is not distinct from in_parent;
    if not found then -- it is another block's
        raise exception 'block %: its space is not free', in_prefix using errcode = 'object_in_use';
    end if;
end $$;

-- cut_block makes a block of a given length out of the free space of its
-- parent, for a project; null where the parent has no room.
create function cut_block(in_parent cidr, in_len int, in_purpose text, in_project text, in_note text) returns cidr
language plpgsql as $$
declare
    piece pieces;
    made  cidr;
begin
    select * into piece from pieces x
        where x.block = in_parent and x.holder is null and x.released is null and masklen(x.prefix) <= in_len
        order by masklen(x.prefix) desc, x.first limit 1 for no key update skip locked;
    if not found then
        if exists (select from pieces x where x.block = in_parent and x.holder is null and x.released is null and masklen(x.prefix) <= in_len) then
            raise exception 'block %: others are taking what is left of it', in_parent using errcode = 'lock_not_available';
        end if;
        return null;
    end if;
    made := set_masklen(piece.prefix, in_len);
    perform add_block(made, in_parent, b.site, b.role, in_purpose, in_project, in_note) from blocks b where b.prefix = in_parent;
    return made;
end $$;

-- drop_block gives a block back to what it was cut from, where it rests. All of
-- it must be free.
create function drop_block(in_prefix cidr) returns void
language plpgsql as $$
begin
    perform lock_block(in_prefix);
    update pieces p set block = b.parent, released = case when b.parent is null then null else clock_timestamp() end
        from blocks b
        where b.prefix = in_prefix and p.block = in_prefix and p.prefix = in_prefix and p.holder is null and p.released is null;
    if not found then
        raise exception 'block % is in use', in_prefix using errcode = 'object_in_use';
    end if;
    perform merge_piece(first_of(in_prefix)) from blocks where prefix = in_prefix and parent is null;
    delete from blocks where prefix = in_prefix; -- the parent's reference refuses one that was split into blocks
end $$;

-- How much a project may have.
create table quotas (
    project  text   not null,
    resource text   not null check (resource in (
        'public-ipv4',    -- addresses: devices' links and reservations together
        'reserved-ipv4',  -- addresses of reservations
        'reserved-ipv6')), -- /64s of reservations
    most     bigint not null check (most >= 0),
    primary key (project, resource)
);

-- Elastic addresses: asked for, perhaps approved, then a block of the project's.
create table reservations (
    id         text  primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    project    text  not null,
    site       text  references sites, -- null: global anycast
    len        int   not null,
    family     int   not null check (family in (4, 6)),
    wanted     cidr,  -- the very prefix that was asked for
    prefix     cidr,  -- what it got
    state      text  not null check (state in ('pending', 'created', 'denied', 'released')),
    tags       text[] not null default '{}',
    note       text  not null default '', -- why it was asked for, or denied
    asked_at   timestamptz not null default now(),
    decided_at timestamptz,
    ended_at   timestamptz,
    check ((state = 'created') <= (prefix is not null)),
    check ((state in ('denied', 'released')) = (ended_at is not null))
);
create unique index one_reservation on reservations (prefix) where state = 'created';
create index on reservations (project, asked_at);
create index on reservations (asked_at) where state = 'pending';
create index on reservations (prefix) where prefix is not null; -- whose it was, for the abuse desk

-- What was there moves over: blocks whole, then the leases in them.
do $$
declare
    b record;
    l record;
    p cidr;
begin
    create temporary table earlier on commit drop as select * from blocks;
    delete from free_prefixes;
    create temporary table earlier_leases on commit drop as select * from leases;
    drop table leases;
    drop table free_prefixes;
    delete from blocks;
    for b in select * from earlier order by prefix loop
        perform add_block(b.prefix, null, b.site, b.role, 'pool', null, '');
    end loop;
    update blocks set filed = true;
    for l in select e.*, x.role, x.site, d.project,
            row_number() over (partition by e.device, x.role, family(e.prefix), e.released is null order by e.prefix) as nth
            from earlier_leases e join earlier x on x.prefix = e.block left join devices d on d.id = e.device order by e.prefix loop
        perform split_piece(piece_at(first_of(l.prefix)), l.prefix);
        if l.released is not null then
            update pieces set released = l.released where prefix = l.prefix;
            insert into tenures (prefix, block, role, site, holder, ask, project, since, until)
            values (l.prefix, l.block, l.role, l.site, 'device/' || l.device, l.role || family(l.prefix), l.project, l.taken_at, l.released);
        else
            update pieces set taken_at = l.taken_at,
                holder = case when l.device is null then 'port/' || l.switch || ':' || l.port else 'device/' || l.device end,
                ask = case when l.device is null then 'install' else l.role || family(l.prefix) || case when l.nth > 1 then '-' || l.nth else '' end end
            where prefix = l.prefix;
        end if;
    end loop;
end $$;
alter table blocks alter column aggregate set not null;
drop function take_prefix(cidr, int);
drop function give_back_prefix(cidr, cidr);

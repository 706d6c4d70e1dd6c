-- What tenants say of their addresses and BGP sessions, and by which IDs they
-- know them.

alter table reservations
    add column details     text  not null default '',
    add column custom_data jsonb not null default '{}' check (jsonb_typeof(custom_data) = 'object');

-- The ID of what the API made none for: a UUID (version 8) that follows from its
-- kind and name. stableID in internal/api makes it too.
create function stable_id(kind text, name text) returns text
language plpgsql immutable strict as $$
declare
    hash bytea := sha256(convert_to('millwright ' || kind || ' ' || name, 'UTF8'));
begin
    hash := set_byte(hash, 6, get_byte(hash, 6) & 15 | 128);
    hash := set_byte(hash, 8, get_byte(hash, 8) & 63 | 128);
    return encode(substr(hash, 1, 16), 'hex')::uuid::text;
end $$;

-- An address of a device is an assignment, and has the ID that follows from both.
create function assignment_id(device text, prefix cidr) returns text
language plpgsql immutable strict as $$
begin
    return stable_id('assignment', device || ' ' || prefix);
end $$;
create index assignments on pieces (assignment_id(device, prefix)) where device is not null;

-- A project's own block has one that follows from its prefix.
create function block_id(prefix cidr) returns text
language plpgsql immutable strict as $$
begin
    return stable_id('block', prefix::text);
end $$;
create index own_blocks on blocks (block_id(prefix)) where purpose = 'own';

-- What a tenant says of an address while one device has it: taken_at is that
-- piece's, so that the words end with the holding, whoever ends it.
create table address_notes (
    prefix      cidr primary key,
    taken_at    timestamptz not null,
    details     text  not null default '',
    tags        text[] not null default '{}',
    custom_data jsonb not null default '{}' check (jsonb_typeof(custom_data) = 'object')
);

-- Addresses of devices, as their tenants see them.
create view held_addresses as
select assignment_id(x.device, x.prefix) as id, x.prefix, x.first, d.id as device, x.taken_at, b.role, b.purpose, b.prefix as block, coalesce(r.id, '')::text as reservation,
    d.project, d.site, s.metro, d.network_frozen, (b.site is null)::bool as anycast,
    coalesce(n.details, '') as details, coalesce(n.tags, '{}') as tags, coalesce(n.custom_data, '{}') as custom_data
from pieces x
join blocks b on b.prefix = x.block
join devices d on d.id = x.device
join sites s on s.id = d.site
left join reservations r on r.prefix = b.prefix and r.state = 'created' and b.purpose = 'reservation'
left join address_notes n on n.prefix = x.prefix and n.taken_at = x.taken_at
where x.device is not null;

-- Blocks of projects, as they see them: reservations that last or wait, and what
-- they have for their devices' links.
create view project_blocks as
select r.id, r.prefix, r.family, r.len, case when r.site is null then 'anycast' else 'public' end as role, r.state, false as own,
    coalesce(r.site, '') as site, coalesce(s.metro, '') as metro, r.project, r.tags, r.details, r.custom_data, r.asked_at as at
from reservations r left join sites s on s.id = r.site
where r.state in ('pending', 'created')
union all
select block_id(b.prefix), b.prefix, family(b.prefix), masklen(b.prefix), b.role, 'created', true,
    coalesce(b.site, ''), coalesce(s.metro, ''), b.project, '{}', '', '{}', b.made_at
from blocks b left join sites s on s.id = b.site
where b.purpose = 'own';

alter table bgp_sessions
    add column id            text not null unique default gen_random_uuid()::text,
    add column default_route boolean not null default false, -- the tenant wants it; switches offer it to whoever peers
    add column opened_at     timestamptz not null default now();

alter table project_bgp add column use_case text not null default '';

-- Since when a port should be otherwise: reconcile brings what nobody waits for.
alter table ports add column wanted_at timestamptz not null default now();
create function wanted_now() returns trigger
language plpgsql as $$
begin
    new.wanted_at := clock_timestamp();
    return new;
end $$;
create trigger wanted_now before update of generation on ports for each row
    when (new.generation > old.generation) execute function wanted_now();

-- What tenants say of their addresses and BGP sessions, and by which IDs they
-- know them.

alter table reservations
    add column details     text  not null default '',
    add column custom_data jsonb not null default '{}' check (jsonb_typeof(custom_data) = 'object');

-- A UUID (version 8) made of text, as the API makes it too.
create function made_uuid(of text) returns text
language plpgsql immutable strict as $$
declare
    hash bytea := sha256(convert_to(of, 'UTF8'));
begin
    hash := set_byte(hash, 6, get_byte(hash, 6) & 15 | 128);
    hash := set_byte(hash, 8, get_byte(hash, 8) & 63 | 128);
    return encode(substr(hash, 1, 16), 'hex')::uuid::text;
end $$;

-- An address of a device is an assignment, and has the ID that follows from both.
create function assignment_id(device text, prefix cidr) returns text
language plpgsql immutable strict as $$
begin
    return made_uuid(device || ' ' || prefix);
end $$;
create index assignments on pieces (assignment_id(device, prefix)) where device is not null;

-- A project's own block has one that follows from its prefix.
create function block_id(prefix cidr) returns text
language plpgsql immutable strict as $$
begin
    return made_uuid('block ' || prefix);
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

-- name: ZonesOf :many
-- The zones of a site, and those of all.
select * from zones where site is null or site = nullif(@site::text, '') order by name;

-- name: AllZones :many
select * from zones order by name;

-- name: UpsertZone :exec
insert into zones (name, site, server, credential, algorithm, addresses, ttl)
values (@name, nullif(@site::text, ''), @server, @credential, @algorithm, nullif(@addresses::cidr, '0.0.0.0/0'), @ttl)
on conflict (name) do update set site = excluded.site, server = excluded.server, credential = excluded.credential,
    algorithm = excluded.algorithm, addresses = excluded.addresses, ttl = excluded.ttl;

-- name: AllNamesDue :exec
-- Every device and reservation gets another look: a zone is new.
insert into names_due (owner)
select 'device/' || id from devices where state <> 'deleted'
union select 'reservation/' || id from reservations where state = 'created'
on conflict (owner) do update set since = excluded.since;

-- name: NamedDevice :one
select id, project, site, hostname, state from devices where id = $1;

-- name: NamedReservation :one
select * from reservations where id = $1;

-- name: PublicLinks :many
-- What the world reaches a device by: links of the role public.
select p.prefix, p.ask from pieces p join blocks b on b.prefix = p.block
where p.device = @device::text and b.role = 'public' and b.purpose <> 'reservation'
order by family(p.prefix), p.prefix;

-- name: PointersIn :many
select address, name from pointers where address <<= any(@prefixes::cidr[]) and project = @project order by address;

-- name: NamesOf :many
select * from names where owner = $1 order by zone, name;

-- name: NoteName :exec
-- Before the server is asked. Safe to repeat.
insert into names (zone, name, owner, address, target) values (@zone, @name, @owner, @address, @target)
on conflict (zone, name, owner) do update set address = excluded.address, target = excluded.target;

-- name: DropName :exec
delete from names where zone = @zone and name = @name and owner = @owner;

-- name: NamesDue :one
select since from names_due where owner = $1;

-- name: NamesSettled :exec
-- Unless it became due again meanwhile.
delete from names_due where owner = @owner and since = @since;

-- name: OwnersDue :many
select owner from names_due where since < now() - @age::interval order by since limit @most;

-- name: MarkNamesDue :exec
insert into names_due (owner) values ($1) on conflict (owner) do update set since = clock_timestamp();

-- name: SetPointer :exec
insert into pointers (address, project, name) values (@address, @project, @name)
on conflict (address) do update set project = excluded.project, name = excluded.name, set_at = now();

-- name: DropPointer :execrows
delete from pointers where address = @address and project = @project;

-- name: ListPointers :many
select * from pointers where (@project::text = '' or project = @project) order by address;

-- name: HolderOfAddress :one
-- Whose an address is: the device that has it as a link, or the reservation
-- that it is in.
select coalesce(p.device, '')::text as device, b.purpose, b.role, coalesce(b.project, d.project, '')::text as project, b.prefix as block, p.prefix
from pieces p join blocks b on b.prefix = p.block left join devices d on d.id = p.device
where p.first = (select x.first from pieces x where x.first <= @address::inet order by x.first desc limit 1) and @address::inet <<= p.prefix;

-- name: ReservationOf :one
select id from reservations where prefix = @prefix::cidr and state = 'created';

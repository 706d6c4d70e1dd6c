-- name: ScopeOfAddress :one
-- Whose a reservation, a project's own block, or a device's address is.
select w.project, coalesce(p.organization, '')::text as organization
from (select b.project from project_blocks b where b.id = @id::text
      union all select a.project from held_addresses a where a.id = @id::text) w
left join projects p on p.id = w.project;

-- name: AddressByID :one
select * from held_addresses where id = @id::text;

-- name: AssignmentID :one
select assignment_id(@device::text, @prefix::cidr)::text;

-- name: AddressesOf :many
-- All that a device has.
select * from held_addresses where device = @device::text order by family(prefix), role desc, first;

-- name: ElasticOf :many
-- What devices have of a project's reservations.
select * from held_addresses where project = @project::text and purpose = 'reservation' order by first;

-- name: ProjectBlock :one
select * from project_blocks where id = @id::text;

-- name: ProjectBlocks :many
-- The oldest first.
select * from project_blocks where project = @project::text order by at, id;

-- name: SetReservationWords :execrows
update reservations set details = @details, tags = @tags, custom_data = @custom_data where id = @id and state in ('pending', 'created');

-- name: SetAddressWords :execrows
-- They last as long as the device has the address.
insert into address_notes (prefix, taken_at, details, tags, custom_data)
select x.prefix, x.taken_at, @details, @tags, @custom_data from pieces x
where x.first = first_of(@prefix::cidr) and x.prefix = @prefix and x.device = @device::text
on conflict (prefix) do update set taken_at = excluded.taken_at, details = excluded.details, tags = excluded.tags, custom_data = excluded.custom_data;

-- name: FreeIn :many
-- What is free of a block, by pieces.
select prefix from pieces where block = @block::cidr and holder is null and released is null order by first;

-- name: RoomiestSites :many
-- Sites of a metro, the one with most free public addresses of a family first.
select s.id from sites s
left join blocks b on b.site = s.id and b.role = 'public' and b.purpose = 'pool' and family(b.prefix) = @family::int
left join pieces p on p.block = b.prefix and p.holder is null and p.released is null
where s.metro = @metro
group by s.id order by coalesce(sum(2.0 ^ (128 - masklen(p.prefix))), 0) desc, s.id;

-- name: SwitchesBehind :many
-- Switches with ports that nobody has brought for a while, and that were not
-- refused.
select distinct w.id, w.site, w.repair from ports p join switches w on w.id = p.switch
where p.applied < p.generation and p.refused is distinct from p.generation
  and p.wanted_at < now() - @older_than::interval
order by w.id limit @most;

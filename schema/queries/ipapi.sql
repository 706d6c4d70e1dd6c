-- name: ScopeOfReservation :one
-- A reservation that ended is nobody's.
select r.project, coalesce(p.organization, '')::text as organization
from reservations r left join projects p on p.id = r.project
where r.id = @id and r.state in ('pending', 'created');

-- name: ScopeOfAssignment :one
select d.project, coalesce(p.organization, '')::text as organization
from pieces x join devices d on d.id = x.device left join projects p on p.id = d.project
where assignment_id(x.device, x.prefix) = @id::text and x.device is not null;

-- name: ScopeOfOwnBlock :one
select b.project::text as project, coalesce(p.organization, '')::text as organization
from blocks b left join projects p on p.id = b.project
where block_id(b.prefix) = @id::text and b.purpose = 'own';

-- name: Assignments :many
-- What devices hold: of one project, device, block, or the one of an ID.
select x.prefix, x.device::text as device, x.ask::text as ask, x.taken_at::timestamptz as taken_at,
    b.role, b.purpose, b.prefix as block, coalesce(r.id, '')::text as reservation,
    d.project, d.site, s.metro, d.network_frozen, (b.site is null)::bool as anycast,
    coalesce(n.details, '')::text as details, coalesce(n.tags, '{}')::text[] as tags, coalesce(n.custom_data, '{}')::jsonb as custom_data
from pieces x
join blocks b on b.prefix = x.block
join devices d on d.id = x.device
join sites s on s.id = d.site
left join reservations r on r.prefix = b.prefix and r.state = 'created' and b.purpose = 'reservation'
left join address_notes n on n.prefix = x.prefix and n.taken_at = x.taken_at
where x.device is not null
  and (@id::text = '' or assignment_id(x.device, x.prefix) = @id)
  and (@device::text = '' or x.device = @device)
  and (@project::text = '' or d.project = @project)
  and (not @elastic::bool or b.purpose = 'reservation')
order by family(x.prefix), b.role desc, x.first;

-- name: ProjectReservations :many
-- What lasts or waits, and what a project has for its devices' links; the oldest
-- first.
select a.id::text as id, a.prefix::text as prefix, a.family::int as family, a.len::int as len, a.role::text as role, a.state::text as state, a.own::bool as own,
    a.site::text as site, coalesce(s.metro, '')::text as metro, a.project::text as project,
    a.tags::text[] as tags, a.details::text as details, a.custom_data::jsonb as custom_data, a.at::timestamptz as at
from (
    select r.id, coalesce(r.prefix::text, '') as prefix, r.family, r.len, case when r.site is null then 'anycast' else 'public' end as role, r.state, false as own,
        coalesce(r.site, '') as site, r.project, r.tags, r.details, r.custom_data, r.asked_at as at
    from reservations r
    where r.state in ('pending', 'created') and (@project::text = '' or r.project = @project) and (@id::text = '' or r.id = @id)
    union all
    select block_id(b.prefix), b.prefix::text, family(b.prefix), masklen(b.prefix), b.role, 'created', true,
        coalesce(b.site, ''), b.project, '{}', '', '{}', b.made_at
    from blocks b
    where b.purpose = 'own' and (@project::text = '' or b.project = @project) and (@id::text = '' or block_id(b.prefix) = @id)
) a
left join sites s on s.id = a.site
order by a.at, a.id;

-- name: ReservationCovering :one
-- The reservation that an address is of.
select r.id, r.project from reservations r
where r.state = 'created' and r.prefix >>= @prefix::cidr;

-- name: SetReservationWords :exec
update reservations set details = @details, tags = @tags, custom_data = @custom_data where id = @id;

-- name: SetAddressWords :exec
-- They last as long as the device has the address.
insert into address_notes (prefix, taken_at, details, tags, custom_data)
select x.prefix, x.taken_at, @details, @tags, @custom_data from pieces x
where x.prefix = @prefix::cidr and x.first = first_of(@prefix::cidr) and x.device is not null
on conflict (prefix) do update set taken_at = excluded.taken_at, details = excluded.details, tags = excluded.tags, custom_data = excluded.custom_data;

-- name: FreeOf :many
-- What is free of a reservation, its pieces.
select prefix from pieces where block = @block::cidr and holder is null and released is null order by first;

-- name: SitesOfMetro :many
-- Sites of a metro, those with the most free public addresses of a family first.
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

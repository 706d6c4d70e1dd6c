-- name: ScopeOfSession :one
select d.project, coalesce(p.organization, '')::text as organization
from bgp_sessions s join devices d on d.id = s.device left join projects p on p.id = d.project
where s.id = @id;

-- name: GetSession :one
select s.*, d.project from bgp_sessions s join devices d on d.id = s.device where s.id = @id;

-- name: SessionsOfDevice :many
select s.*, d.project from bgp_sessions s join devices d on d.id = s.device where s.device = @device order by s.family;

-- name: SessionsOfProject :many
select s.*, d.project from bgp_sessions s join devices d on d.id = s.device where d.project = @project order by s.opened_at, s.id;

-- name: OpenSessionAs :execrows
-- Nothing where the device has one of the family.
insert into bgp_sessions (id, device, family, default_route) values (@id, @device, @family, @default_route) on conflict (device, family) do nothing;

-- name: SetDefaultRoute :execrows
update bgp_sessions set default_route = @default_route where id = @id;

-- name: SetUseCase :exec
update project_bgp set use_case = @use_case where project = @project;

-- name: PeersOfDevice :many
-- How a device is to peer, by the sessions that it has.
select s.family, s.default_route, d.project, d.site, coalesce(p.peer_as, i.peer_as, 0)::bigint as machine_as, coalesce(i.as_number, 0)::bigint as switch_as,
    i.bgp_addresses, (coalesce(p.secret, '') <> '')::bool as keyed
from bgp_sessions s
join devices d on d.id = s.device
join sites i on i.id = d.site
left join project_bgp p on p.project = d.project
where s.device = @device order by s.family;

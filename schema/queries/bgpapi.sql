-- name: ScopeOfSession :one
select d.project, coalesce(p.organization, '')::text as organization
from bgp_sessions s join devices d on d.id = s.device left join projects p on p.id = d.project
where s.id = @id;

-- name: SessionsIn :many
-- Sessions of a project or a device, or the one of an ID.
select s.*, d.project from bgp_sessions s join devices d on d.id = s.device
where (@id::text = '' or s.id = @id) and (@device::text = '' or s.device = @device) and (@project::text = '' or d.project = @project)
order by s.opened_at, s.id;

-- name: OpenSessionAs :execrows
insert into bgp_sessions (id, device, family, default_route) values (@id, @device, @family, @default_route) on conflict (device, family) do nothing;

-- name: SetDefaultRoute :exec
update bgp_sessions set default_route = @default_route where id = @id;

-- name: SetUseCase :exec
update project_bgp set use_case = @use_case where project = @project;

-- name: CallerByKey :one
-- Who a key is of. No row: it opens nothing, or nothing any more.
select k.id, coalesce(k."user", '')::text as "user", coalesce(u.email, '')::text as email, coalesce(u.operator, false)::bool as operator,
    coalesce(k.project, '')::text as project, k.read_only, k.session, k.used_at
from api_keys k
left join users u on u.id = k."user"
left join projects p on p.id = k.project
where k.hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  and u.disabled_at is null and p.deleted_at is null;

-- name: KeyUsed :exec
-- To the minute: a key in use costs a write a minute.
update api_keys set used_at = now() where id = $1 and (used_at is null or used_at < now() - interval '1 minute');

-- name: RolesIn :many
-- What a user may be in an organization and in one of its projects. An
-- organization's role holds in its projects too; but that of a limited
-- collaborator, who is let into projects one by one.
select distinct role::text
from memberships m, unnest(m.roles) role
where m."user" = @member and (
    m.project = @project::text
    or m.organization = @organization::text and (@project::text = '' or role <> 'limited_collaborator'));

-- name: ScopeOfProject :one
select organization, id as project from projects where id = $1 and deleted_at is null;

-- name: ScopeOfDevice :one
select d.project, coalesce(p.organization, '')::text as organization
from devices d left join projects p on p.id = d.project
where d.id = $1 and d.state <> 'deleted';

-- name: ScopeOfOrganization :one
select id from organizations where id = $1 and deleted_at is null;

-- name: LockRepeat :exec
select pg_advisory_xact_lock(hashtextextended('millwright repeat ' || @caller::text || ' ' || @key::text, 0));

-- name: GetRepeat :one
select digest, code, thing from repeats where caller = $1 and key = $2;

-- name: InsertRepeat :exec
insert into repeats (caller, key, digest, code, thing) values ($1, $2, $3, $4, $5);

-- name: InsertChange :exec
insert into changes (request, caller, key, source, method, path, organization, project, thing, code, outcome)
values (@request, @caller, @key, @source, @method, @path, nullif(@organization::text, ''), nullif(@project::text, ''), @thing, @code, @outcome);

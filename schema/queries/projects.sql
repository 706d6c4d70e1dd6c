-- name: ListProjects :many
-- What a caller may see of projects by itself: all of them (operators), one (a
-- project's key), or those where a user has a role. A limited collaborator of an
-- organization sees none for that alone.
select p.*,
    array(select distinct m."user" from memberships m where m.project = p.id
        or m.organization = p.organization and m.roles <> '{limited_collaborator}')::text[] as members,
    array(select m.id from memberships m where m.project = p.id order by m.created_at)::text[] as memberships,
    array(select i.id from invitations i where p.id = any (i.projects) and i.ended_at is null and i.expires_at > now())::text[] as invitations,
    array(select k.id from ssh_keys k where k.project = p.id order by k.created_at)::text[] as ssh_keys
from projects p
where p.deleted_at is null
  and (@everywhere::bool or p.id = @single::text or exists (
        select from memberships m where m."user" = @member::text
            and (m.project = p.id or m.organization = p.organization and m.roles <> '{limited_collaborator}')))
  and (@organization::text = '' or p.organization = @organization)
  and (@name::text = '' or lower(p.name) = lower(@name))
order by p.created_at, p.id limit @most offset @skip;

-- name: CountProjects :one
select count(*) from projects p
where p.deleted_at is null
  and (@everywhere::bool or p.id = @single::text or exists (
        select from memberships m where m."user" = @member::text
            and (m.project = p.id or m.organization = p.organization and m.roles <> '{limited_collaborator}')))
  and (@organization::text = '' or p.organization = @organization)
  and (@name::text = '' or lower(p.name) = lower(@name));

-- name: ShowProject :one
select p.*,
    array(select distinct m."user" from memberships m where m.project = p.id
        or m.organization = p.organization and m.roles <> '{limited_collaborator}')::text[] as members,
    array(select m.id from memberships m where m.project = p.id order by m.created_at)::text[] as memberships,
    array(select i.id from invitations i where p.id = any (i.projects) and i.ended_at is null and i.expires_at > now())::text[] as invitations,
    array(select k.id from ssh_keys k where k.project = p.id order by k.created_at)::text[] as ssh_keys
from projects p where p.id = $1 and p.deleted_at is null;

-- name: InsertProject :exec
insert into projects (id, organization, name, custom_data, tags) values ($1, $2, $3, $4, $5);

-- name: ChangeProject :execrows
update projects set
    name = coalesce(sqlc.narg('name'), name),
    custom_data = coalesce(sqlc.narg('custom_data'), custom_data),
    tags = coalesce(sqlc.narg('tags'), tags),
    changed_at = now()
where id = @id and deleted_at is null;

-- name: HoldProject :one
-- Whether a project takes orders. Whoever deletes it waits for us. No row: only
-- a billing system knows it, and it always does.
select (deleted_at is null)::bool as open from projects where id = $1 for share;

-- name: LockProject :one
select id from projects where id = $1 and deleted_at is null for update;

-- name: AliveInProject :one
-- What keeps a project from being deleted. A device that is on its way out does
-- not: Terraform deletes it, and its project at once.
select
    (select count(*) from devices d where d.project = @project::text and d.state not in ('deprovisioning', 'deleted')) as devices,
    (select count(*) from reservations r where r.project = @project and r.ended_at is null) as reservations,
    (select count(*) from hardware_reservations h where h.project = @project and h.ended_at is null) as hardware;

-- name: DeleteProject :exec
update projects set deleted_at = now(), changed_at = now() where id = $1;

-- name: RevokeKeysOfProject :exec
update api_keys set revoked_at = now() where project = @project::text and revoked_at is null;

-- name: DeleteSSHKeysOfProject :exec
delete from ssh_keys where project = @project::text;

-- name: HoldOrganization :one
-- An organization that a project is put into cannot be deleted meanwhile.
select id from organizations where id = $1 and deleted_at is null for share;

-- name: LockUser :one
select * from users where id = $1 for update;

-- name: HomeOf :one
-- The organization that a user's projects go into where it names none: its
-- oldest in which it may make any; empty for none. Alone: it is in none at all.
-- One statement, so that both are of one moment.
with mine as (
    select m.organization, m.roles, m.created_at from memberships m join organizations o on o.id = m.organization
    where m."user" = $1 and o.deleted_at is null)
select coalesce((select organization from mine where roles && '{owner,admin}' order by created_at, organization limit 1), '')::text as home,
    (not exists (select from mine))::bool as alone;

-- name: InsertOrganization :exec
insert into organizations (id, name, description, website, address, billing_address, custom_data)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: InsertMembership :exec
insert into memberships (id, "user", organization, project, roles)
values (@id, @member, nullif(@organization::text, ''), nullif(@project::text, ''), @roles);

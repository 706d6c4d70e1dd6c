-- name: ListOrganizations :many
-- Those in which a user is a member, or all (operators).
select o.*,
    array(select m."user" from memberships m where m.organization = o.id order by m.created_at)::text[] as members,
    array(select m.id from memberships m where m.organization = o.id order by m.created_at)::text[] as memberships,
    array(select p.id from projects p where p.organization = o.id and p.deleted_at is null order by p.created_at)::text[] as projects
from organizations o
where o.deleted_at is null
  and (@everywhere::bool or exists (select from memberships m where m.organization = o.id and m."user" = @member::text))
  and (@name::text = '' or lower(o.name) = lower(@name))
order by o.created_at, o.id limit @most offset @skip;

-- name: CountOrganizations :one
select count(*) from organizations o
where o.deleted_at is null
  and (@everywhere::bool or exists (select from memberships m where m.organization = o.id and m."user" = @member::text))
  and (@name::text = '' or lower(o.name) = lower(@name));

-- name: ShowOrganization :one
select o.*,
    array(select m."user" from memberships m where m.organization = o.id order by m.created_at)::text[] as members,
    array(select m.id from memberships m where m.organization = o.id order by m.created_at)::text[] as memberships,
    array(select p.id from projects p where p.organization = o.id and p.deleted_at is null order by p.created_at)::text[] as projects
from organizations o where o.id = $1 and o.deleted_at is null;

-- name: ChangeOrganization :execrows
update organizations set
    name = coalesce(sqlc.narg('name'), name),
    description = coalesce(sqlc.narg('description'), description),
    website = coalesce(sqlc.narg('website'), website),
    address = coalesce(sqlc.narg('address'), address),
    billing_address = coalesce(sqlc.narg('billing_address'), billing_address),
    custom_data = coalesce(sqlc.narg('custom_data'), custom_data),
    changed_at = now()
where id = @id and deleted_at is null;

-- name: LockOrganization :one
select id from organizations where id = $1 and deleted_at is null for update;

-- name: LiveProjectsOf :one
select count(*) from projects where organization = $1 and deleted_at is null;

-- name: DeleteOrganization :exec
update organizations set deleted_at = now(), changed_at = now() where id = $1;

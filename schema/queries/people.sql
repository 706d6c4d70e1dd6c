-- name: GetUser :one
select u.*,
    (select count(*) from ssh_keys k where k."user" = u.id) as ssh_keys,
    coalesce((select o.id from memberships m join organizations o on o.id = m.organization
        where m."user" = u.id and o.deleted_at is null order by m.created_at, o.id limit 1), '')::text as home
from users u where u.id = $1;

-- name: ChangeUser :execrows
update users set
    name = coalesce(sqlc.narg('name'), name),
    last_name = coalesce(sqlc.narg('last_name'), last_name),
    custom_data = coalesce(sqlc.narg('custom_data'), custom_data),
    changed_at = now()
where id = @id;

-- name: RolesBesides :many
-- What a user may be in the organizations that it shares with another one. In
-- an organization is, too, who is in one of its projects.
select distinct role::text
from memberships mine
left join projects p on p.id = mine.project
cross join unnest(mine.roles) role
where mine."user" = @member and coalesce(mine.organization, p.organization) in (
    select coalesce(m.organization, q.organization)
    from memberships m left join projects q on q.id = m.project
    where m."user" = @other);

-- name: InsertUser :exec
insert into users (id, email, name, last_name, operator) values ($1, $2, $3, $4, $5);

-- name: UserIDByEmail :one
select id from users where email = lower(@email::text);

-- name: ListUsers :many
select u.*,
    array(select o.name || ': ' || array_to_string(m.roles, ' ') from memberships m join organizations o on o.id = m.organization
        where m."user" = u.id and o.deleted_at is null order by o.name)::text[] as organizations
from users u order by u.email;

-- name: DisableUser :execrows
-- Its keys open nothing while it is disabled. Safe to repeat.
update users set disabled_at = case when @disabled::bool then coalesce(disabled_at, now()) end, changed_at = now() where id = @id;

-- name: ListAllAPIKeys :many
-- Of everybody, or of one user or project.
select k.*, coalesce(u.email, '')::text as email
from api_keys k left join users u on u.id = k."user"
where (@owner::text = '' or k."user" = @owner) and (@project::text = '' or k.project = @project)
  and (@with_revoked::bool or k.revoked_at is null)
order by k.created_at, k.id;

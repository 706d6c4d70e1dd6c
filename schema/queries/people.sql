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

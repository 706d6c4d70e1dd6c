-- name: ListSSHKeys :many
-- A user's, or a project's.
select * from ssh_keys
where ("user" = nullif(@owner::text, '') or project = nullif(@project::text, ''))
  and (@search::text = '' or strpos(lower(label), lower(@search)) > 0 or fingerprint = @search)
order by created_at, id limit @most offset @skip;

-- name: CountSSHKeys :one
select count(*) from ssh_keys
where ("user" = nullif(@owner::text, '') or project = nullif(@project::text, ''))
  and (@search::text = '' or strpos(lower(label), lower(@search)) > 0 or fingerprint = @search);

-- name: GetSSHKey :one
select * from ssh_keys where id = $1;

-- name: ScopeOfSSHKey :one
select coalesce(k."user", '')::text as "user", coalesce(k.project, '')::text as project, coalesce(p.organization, '')::text as organization
from ssh_keys k left join projects p on p.id = k.project
where k.id = $1 and p.deleted_at is null;

-- name: InsertSSHKey :exec
insert into ssh_keys (id, "user", project, label, key, fingerprint, tags)
values (@id, nullif(@owner::text, ''), nullif(@project::text, ''), @label, @key, @fingerprint, @tags);

-- name: ChangeSSHKey :execrows
update ssh_keys set
    label = coalesce(sqlc.narg('label'), label),
    key = coalesce(sqlc.narg('key'), key),
    fingerprint = coalesce(sqlc.narg('fingerprint'), fingerprint),
    tags = coalesce(sqlc.narg('tags'), tags),
    changed_at = now()
where id = @id;

-- name: DeleteSSHKey :execrows
delete from ssh_keys where id = $1;

-- name: ListAPIKeys :many
-- Keys of a user or a project that open something.
select * from api_keys
where ("user" = nullif(@owner::text, '') or project = nullif(@project::text, ''))
  and revoked_at is null and (expires_at is null or expires_at > now())
  and (@search::text = '' or strpos(lower(description), lower(@search)) > 0)
order by created_at, id limit @most offset @skip;

-- name: CountAPIKeys :one
select count(*) from api_keys
where ("user" = nullif(@owner::text, '') or project = nullif(@project::text, ''))
  and revoked_at is null and (expires_at is null or expires_at > now())
  and (@search::text = '' or strpos(lower(description), lower(@search)) > 0);

-- name: GetAPIKey :one
select * from api_keys where id = $1 and revoked_at is null and (expires_at is null or expires_at > now());

-- name: ScopeOfAPIKey :one
select coalesce(k."user", '')::text as "user", coalesce(k.project, '')::text as project, coalesce(p.organization, '')::text as organization
from api_keys k left join projects p on p.id = k.project
where k.id = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and p.deleted_at is null;

-- name: InsertAPIKey :exec
insert into api_keys (id, "user", project, description, hash, read_only, created_by, expires_at)
values (@id, nullif(@owner::text, ''), nullif(@project::text, ''), @description, @hash, @read_only, nullif(@created_by::text, ''), sqlc.narg('expires_at'));

-- name: RevokeAPIKey :execrows
update api_keys set revoked_at = now() where id = $1 and revoked_at is null;

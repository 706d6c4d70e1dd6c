-- Devices that were ordered together.

-- name: InsertBatch :exec
insert into batches (id, project, quantity) values ($1, $2, $3);

-- name: BatchesOf :many
-- Of a project, or the ones of some IDs; the newest first. A device that is
-- gone belongs to none any more.
select b.id, b.project, b.quantity, b.created_at,
    array(select d.id from devices d where d.batch = b.id and d.state <> 'deleted' order by d.hostname, d.id)::text[] as devices,
    (select count(*) from devices d where d.batch = b.id and d.state in ('queued', 'provisioning')) as under_way,
    array(select d.hostname || ': ' || d.reason from devices d where d.batch = b.id and d.state = 'failed' order by d.hostname, d.id)::text[] as failures
from batches b
where (@project::text = '' or b.project = @project) and (cardinality(@ids::text[]) = 0 or b.id = any(@ids))
order by b.created_at desc, b.id;

-- name: ScopeOfBatch :one
select b.project, coalesce(p.organization, '')::text as organization
from batches b left join projects p on p.id = b.project
where b.id = $1;

-- name: LeaveBatch :exec
update devices set batch = null where batch = $1;

-- name: BatchUnderWay :one
-- Whether a fleet's run counts on it.
select exists (select from batches where id = $1 and state = 'under way');

-- name: DeleteBatch :exec
delete from batches where id = $1;

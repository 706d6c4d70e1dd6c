-- name: InsertFleet :execrows
-- Safe to repeat: only the first one counts.
insert into batches (id, project, quantity, fleet, input, enough, deadline, state)
values (@id, @project, @quantity, @fleet::text, @input::jsonb, @enough::int, now() + @within::interval, 'under way')
on conflict (id) do nothing;

-- name: GetFleet :one
select b.*,
    (select count(*) from devices d where d.batch = b.id)::int as ordered,
    (select count(*) from devices d where d.batch = b.id and d.state in ('active', 'inactive'))::int as active,
    (select count(*) from waiting w join devices d on d.id = w.device where d.batch = b.id)::int as waiting,
    (select count(*) from devices d join orders o on o.device = d.id and o.action = 'provision' where d.batch = b.id and o.state = 'failed')::int as failed,
    (select count(*) from devices d join orders o on o.device = d.id where d.batch = b.id and o.ended_at is null)::int as open,
    (select count(*) from devices d where d.batch = b.id and (d.state <> 'deleted' and (d.state <> 'failed'
        or exists (select from machines m where m.device = d.id))))::int as held
from batches b where b.fleet = @fleet::text;

-- name: FleetInput :one
select input from batches where fleet = @fleet::text;

-- name: SetBatch :exec
update devices set batch = @batch::text where id = @device and batch is null;

-- name: EndFleet :exec
-- Safe to repeat: the first end stands.
update batches set state = @state, outcome = @outcome, ended_at = now() where fleet = @fleet::text and state = 'under way';

-- name: LostFleets :many
select fleet, input from batches where state = 'under way' and created_at < now() - @older_than::interval order by created_at limit @most;

-- name: ListFleets :many
select fleet from batches where fleet is not null and (@project::text = '' or project = @project) order by created_at desc limit @most;

-- name: FleetDevices :many
-- In the order of their numbers.
select d.id, d.hostname, d.site, d.state, d.reason, coalesce(m.id, '')::text as machine
from batches b join devices d on d.batch = b.id join orders o on o.device = d.id and o.action = 'provision'
left join machines m on m.device = d.id
where b.fleet = @fleet::text order by o.id;

-- name: OpenOfFleet :many
select distinct d.id from batches b join devices d on d.batch = b.id join orders o on o.device = d.id
where b.fleet = @fleet::text and o.ended_at is null;

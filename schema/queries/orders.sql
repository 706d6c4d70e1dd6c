-- name: GetOrder :one
select * from orders where id = $1;

-- name: LockOrder :exec
-- The same order given twice at once: the second sees the row of the first.
select pg_advisory_xact_lock(hashtextextended('millwright order ' || @id::text, 0));

-- name: InsertOrder :exec
insert into orders (id, action, device, input, patience) values (@id, @action, @device, @input, @patience);

-- name: MarkOrderStarted :exec
-- Safe to repeat.
update orders set state = 'started', started_at = now() where id = $1 and state = 'wanted';

-- name: EndOrder :exec
-- Safe to repeat: the first end stands. Without an ID it ends whatever of the
-- device is under way: a lost run does not know for whom it worked.
update orders set state = @state, outcome = @outcome, ended_at = now()
where state in ('wanted', 'started')
  and (id = @id or (@id = '' and device = @device and state = 'started'));

-- name: OpenOrders :many
-- Orders whose device run has not begun, though one run or the other must be
-- open; not those that wait for a machine in a run that was seen of late.
select id, device, input from orders
where state = 'wanted' and wanted_at < now() - @older_than::interval
  and not exists (select from waiting w where w.device = orders.device and w.seen_at > now() - interval '5 minutes')
order by wanted_at limit @most;

-- name: OrdersOfDevice :many
select * from orders where device = $1 order by wanted_at;

-- name: InsertUserData :one
-- Safe to repeat: the same bytes have the same name.
insert into user_data (sha256, body) values (encode(sha256(@body::bytea), 'hex'), @body)
on conflict (sha256) do update set stored_at = now()
returning sha256;

-- name: HasUserData :one
select exists (select from user_data where sha256 = $1);

-- name: HasSite :one
select exists (select from sites where id = $1);

-- name: HasPlan :one
select exists (select from plans where id = $1);

-- name: HasOperatingSystem :one
select exists (select from operating_systems where id = $1);

-- name: PlanRuns :one
select exists (select from plan_operating_systems where plan = $1 and operating_system = $2);

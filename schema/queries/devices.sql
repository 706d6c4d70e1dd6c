-- name: InsertDevice :exec
insert into devices (id, project, site, plan, operating_system, hostname, ssh_keys, tags, user_data,
    ipxe_url, always_pxe, storage, custom_data)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: GetDevice :one
select * from devices where id = $1;

-- name: LockDevice :one
select * from devices where id = $1 for update;

-- name: SetDeviceState :exec
-- A device that somebody wants gone stays deprovisioning, however the run ends
-- that has it until then.
update devices d set state = case when @state <> 'deleted' and d.state = 'deprovisioning' and exists (
        select from orders o where o.device = d.id and o.state = 'wanted' and o.action = 'deprovision' and o.was <> '')
    then d.state else @state end,
    reason = @reason, changed_at = now(),
    deleted_at = case when @state = 'deleted' then coalesce(d.deleted_at, now()) end
where d.id = @id;

-- name: SetOperatingSystem :exec
update devices set operating_system = @operating_system, ipxe_url = @ipxe_url, changed_at = now() where id = @id;

-- name: FirstBootOf :one
select o.first_boot from devices d join operating_systems o on o.id = d.operating_system where d.id = $1;

-- name: FirstBootOfSystem :one
select first_boot from operating_systems where id = $1;

-- name: UserDataOf :one
select body from user_data where sha256 = $1;

-- name: ListDevices :many
select d.*, coalesce(m.id, '')::text as machine, coalesce(m.rack, '')::text as rack
from devices d left join machines m on m.device = d.id
where (@project::text = '' or d.project = @project)
  and (@with_deleted::bool or d.state <> 'deleted')
order by d.created_at, d.id;

-- name: EventsOfDevice :many
select id, at, coalesce(machine, '')::text as machine, kind, body from events
where device = @device::text and id > @after order by id;

-- name: UnsettledDevices :many
-- Devices and machines that only an open run may leave as they are.
select d.id, d.state, d.project, d.site, d.plan, coalesce(m.id, '')::text as machine
from devices d left join machines m on m.device = d.id
where (d.state in ('provisioning', 'reinstalling', 'powering_on', 'powering_off', 'deprovisioning')
       or m.state = 'claimed')
  and d.changed_at < now() - @older_than::interval
  -- An order that waits for its run has changed the state ahead of it.
  and not exists (select from orders o where o.device = d.id and o.state = 'wanted' and o.was <> '')
order by d.changed_at limit @most;

-- name: CountEvents :one
select count(*) from events;

-- name: EveryText :many
-- Every word that people could read in the database, for the test that looks
-- for secrets there.
select body from events union all select outcome || ' ' || input::text from orders
union all select detail from reports union all select reason || ' ' || bmc::text from machines
union all select reason from ports union all select reason from devices;

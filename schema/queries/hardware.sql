-- Machines that are kept for a project, and how much there is for everybody.

-- name: HardwareReservations :many
-- A project's, or one by its ID; those that ended are gone.
select r.id, r.project, coalesce(p.organization, '')::text as organization, r.made_at, m.id as machine, m.site, m.plan, m.state,
    coalesce(m.device, a.id, '')::text as device, coalesce(d.hostname, a.hostname, '')::text as hostname, n.switch
from hardware_reservations r
join machines m on m.reservation = r.id
join nics n on n.machine = m.id and n.position = 0
left join projects p on p.id = r.project
left join devices d on d.id = m.device
left join devices a on a.hardware_reservation = r.id and a.state in ('queued', 'provisioning')
where r.ended_at is null and (@project::text = '' or r.project = @project) and (@id::text = '' or r.id = @id)
order by r.made_at, r.id;

-- name: ScopeOfHardware :one
select r.project, coalesce(p.organization, '')::text as organization
from hardware_reservations r left join projects p on p.id = r.project
where r.id = $1 and r.ended_at is null;

-- name: LockReservedMachine :one
-- For whoever changes whom a machine is kept for.
select id, state, device, coalesce(reservation, '')::text as reservation from machines where id = $1 for no key update;

-- name: LockHardwareReservation :one
select r.id, r.project, r.machine from hardware_reservations r where r.id = $1 and r.ended_at is null for update;

-- name: DeviceAwaiting :one
-- The device that was promised a reservation's machine and has not got it.
select id from devices where hardware_reservation = @reservation::text and state in ('queued', 'provisioning')
    and not exists (select from machines m where m.device = devices.id);

-- name: InsertHardwareReservation :exec
insert into hardware_reservations (id, project, machine) values ($1, $2, $3);

-- name: ReserveMachine :exec
update machines set reservation = @reservation, changed_at = now() where id = @machine;

-- name: UnreserveMachine :exec
update machines set reservation = null where reservation = @reservation;

-- name: EndHardwareReservation :exec
update hardware_reservations set ended_at = now() where id = $1;

-- name: MoveHardwareReservation :exec
update hardware_reservations set project = @project where id = @id;

-- name: LockReservations :exec
-- Two orders of one project that ask for its next machine at once.
select pg_advisory_xact_lock(hashtextextended('millwright hardware of ' || @project::text, 0));

-- name: FreeReservation :one
-- One of the project's whose machine is idle and promised to nobody; any of
-- them where no ID is given.
select r.id, m.site from hardware_reservations r join machines m on m.reservation = r.id
where r.project = @project and r.ended_at is null and (@id::text = '' or r.id = @id)
  and m.state = 'idle' and m.plan = @plan and m.site = any(@sites::text[])
  and not exists (select from devices d where d.hardware_reservation = r.id and d.state in ('queued', 'provisioning'))
order by r.made_at, r.id limit 1;

-- name: Capacity :many
-- How many machines a site has of a plan, and how many of them the next orders
-- get: those that are idle and kept for nobody, less the devices that wait.
select m.site, s.metro, m.plan, count(*) filter (where m.reservation is null) as machines,
    greatest(0, count(*) filter (where m.state = 'idle' and m.reservation is null) - coalesce(max(q.devices), 0))::bigint as free
from machines m join sites s on s.id = m.site
left join (select site, plan, count(*) as devices from devices
    where state = 'queued' and hardware_reservation is null group by site, plan) q on q.site = m.site and q.plan = m.plan
group by m.site, s.metro, m.plan order by m.site, m.plan;

-- name: NICsOfDevices :many
select m.device::text as device, m.id as machine, n.position, n.mac::text as mac
from machines m join nics n on n.machine = m.id
where m.device = any(@devices::text[])
order by m.device, n.position;

-- name: ScopeOfPort :one
-- A port is its machine's device's, and nobody's while there is none.
select d.id as device, d.project, coalesce(p.organization, '')::text as organization
from machines m join devices d on d.id = m.device left join projects p on p.id = d.project
where stable_id('bond', m.id) = @id::text
   or m.id = (select n.machine from nics n where stable_id('port', n.mac::text) = @id::text);

-- name: GetMachine :one
select m.*, n.switch, n.port from machines m
join nics n on n.machine = m.id and n.position = 0
where m.id = $1;

-- name: MachineOfDevice :one
select m.*, n.switch, n.port from machines m
join nics n on n.machine = m.id and n.position = 0
where m.device = @device::text for update of m;

-- name: ClaimIdleMachine :one
-- Binds an idle machine to a device, in the rack where its project has fewest.
-- Safe to repeat only inside a transaction that looked for the device's
-- machine first. No row: none is idle, or others hold them at this moment.
update machines set state = 'claimed', device = @device::text, epoch = epoch + 1, changed_at = now()
where id = (
    select m.id from machines m
    where m.site = @site and m.plan = @plan and m.state = 'idle'
    order by (select count(*) from machines o join devices d on d.id = o.device
              where o.site = m.site and o.rack = m.rack and d.project = @project), m.rack, m.unit, m.id
    limit 1 for update skip locked)
returning id;

-- name: ReclaimMachine :one
-- Takes a device's own machine for another run: earlier claims are stale from here.
update machines set state = 'claimed', epoch = epoch + 1, reason = '', changed_at = now()
where device = @device::text
returning id;

-- name: IdleMachines :one
select count(*) from machines where site = $1 and plan = $2 and state = 'idle';

-- name: HeldMachine :one
-- The machine if this claim still holds it; the row is locked for the transaction.
select * from machines
where id = @machine and device = @device::text and epoch = @epoch and state = 'claimed'
for update;

-- name: SettledUnder :one
-- Whether this very claim has already settled the machine on its device.
select exists (select from machines
where id = @machine and device = @device::text and epoch = @epoch and state = 'occupied');

-- name: SettleMachine :exec
update machines set state = 'occupied', changed_at = now() where id = $1;

-- name: FreeMachine :exec
update machines set state = 'idle', device = null, dirty = false, epoch = epoch + 1, changed_at = now()
where id = $1;

-- name: QuarantineMachine :exec
-- Keeps the device only where its addresses may still be routed to the port.
update machines set state = 'quarantined', reason = @reason, epoch = epoch + 1, changed_at = now(),
    device = case when @keep_device::bool then device end
where id = @id;

-- name: SoilMachine :exec
-- From here on the machine may hold a tenant's data.
update machines set dirty = true, changed_at = now() where id = $1;

-- name: ListMachines :many
select m.id, m.site, m.rack, m.unit, m.plan, m.state, coalesce(m.device, '')::text as device, m.dirty, m.reason,
    n.switch, n.port
from machines m join nics n on n.machine = m.id and n.position = 0
order by m.site, m.rack, m.unit, m.id;

-- name: CountMachines :many
select site, plan, state, count(*) from machines group by site, plan, state;

-- name: ReleaseFromQuarantine :execrows
-- A person's word that the machine is fit; never for one that may hold data.
update machines set state = 'idle', reason = '', epoch = epoch + 1, changed_at = now()
where id = $1 and state = 'quarantined' and not dirty and device is null;

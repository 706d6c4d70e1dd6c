-- name: GetMachine :one
select m.*, n.switch, n.port from machines m
join nics n on n.machine = m.id and n.position = 0
where m.id = $1;

-- name: MachineOfDevice :one
select m.*, n.switch, n.port from machines m
join nics n on n.machine = m.id and n.position = 0
where m.device = @device::text for no key update of m;

-- name: ClaimIdleMachine :one
-- Binds an idle machine to a device: one that waits in the agent, if there is
-- one, in the rack where its project has fewest. A device with a reservation
-- gets that one's machine or none, and nobody else gets it.
-- Nobody passes those who wait in the line.
-- Safe to repeat only inside a transaction that looked for the device's
-- machine first. No row: none is idle, others hold them at this moment, or
-- somebody waits.
update machines set state = 'claimed', device = @device::text, epoch = epoch + 1, changed_at = now()
where id = (
    select m.id from machines m
    left join boot_intents warm on warm.machine = m.id and warm.job = 'idle' and warm.up_at is not null
        and warm.seen_at > now() - @waiting_for::interval
    left join (select o.rack, count(*) as devices from machines o join devices d on d.id = o.device
        where o.site = @site and d.project = @project group by o.rack) has on has.rack = m.rack
    where m.site = @site and m.plan = @plan and m.state = 'idle' and m.health <> 'failing' and coalesce(m.reservation, '') = @reservation::text
        and (@my_turn::bool or @reservation::text <> '' or not exists (select from waiting w where w.site = @site and w.plan = @plan))
    order by warm.machine is null, coalesce(has.devices, 0), m.rack, m.unit, m.id
    limit 1 for no key update of m skip locked)
returning id;

-- name: ReclaimMachine :one
-- Takes a device's own machine for another run: earlier claims are stale from here.
update machines set state = 'claimed', epoch = epoch + 1, reason = '', changed_at = now()
where device = @device::text
returning id;

-- name: IdleMachines :one
-- That anybody may have.
select count(*) from machines where site = $1 and plan = $2 and state = 'idle' and health <> 'failing' and reservation is null;

-- name: HeldMachine :one
-- The machine if this claim still holds it; the row is locked for the transaction.
select * from machines
where id = @machine and coalesce(device, '') = @device::text and epoch = @epoch and state = 'claimed'
  and certain(id) -- refuses in words where the machine is in doubt after a restore
for no key update;

-- name: SettledUnder :one
-- Whether this very claim has already settled the machine on its device.
select exists (select from machines
where id = @machine and device = @device::text and epoch = @epoch and state = 'occupied');

-- name: SettleMachine :exec
update machines set state = 'occupied', changed_at = now() where id = $1;

-- name: FreeMachine :exec
-- With issues that keep it from the pool it goes to quarantine.
update machines set device = null, dirty = false, epoch = epoch + 1, changed_at = now(),
    state = case when @why::text = '' then 'idle' else 'quarantined' end, reason = @why,
    proven_at = case when @why = '' then now() else proven_at end
where id = @id;

-- name: QuarantineMachine :exec
-- Keeps the device only where its addresses may still be routed to the port.
update machines set state = 'quarantined', reason = @reason, run = '', errand = '', was = '', was_reason = '',
    epoch = epoch + 1, changed_at = now(), aside_run = case when run <> '' then run else 'device/' || device end,
    aside_boot = (select number from boot_intents where machine = machines.id),
    device = case when @keep_device::bool then device end
where id = @id;

-- name: SoilMachine :exec
-- From here on the machine may hold a tenant's data. A machine that holds some
-- already is left alone: each change of its row wakes all who wait for one, the
-- agent whose question this is among them.
update machines set dirty = true, changed_at = now() where id = $1 and not dirty;

-- name: ListMachines :many
select m.id, m.site, m.rack, m.unit, m.plan, m.state, coalesce(m.device, '')::text as device, m.dirty, m.reason,
    n.switch, n.port
from machines m join nics n on n.machine = m.id and n.position = 0
order by m.site, m.rack, m.unit, m.id;

-- name: CountMachines :many
select site, plan, state, count(*) from machines group by site, plan, state;

-- name: MachinesToWarm :many
-- Idle machines that should wait in the agent and do not, as many as their
-- plans lack; and of those that wait, the ones that have for too long, or in an
-- older agent. Machines that were off the longest come first, as many as their
-- site's power budget allows: what is on is reckoned with what it draws, what is
-- being switched on with what its plan says.
with waiting as (
    select m.id, m.site, m.plan, m.changed_at,
        i.job = 'idle' and i.up_at is not null and i.seen_at > now() - @waiting_for::interval as warm,
        i.up_at < now() - @too_long::interval or i.agent_version <> s.agent_version and s.agent_version <> '' as stale
    from machines m join boot_intents i on i.machine = m.id join sites s on s.id = m.site
    where m.state = 'idle' and m.reservation is null
), ranked as (
    select w.*, row_number() over (partition by w.site, w.plan, w.warm order by w.stale desc, w.changed_at, w.id) as place,
        count(*) filter (where w.warm) over (partition by w.site, w.plan) as have
    from waiting w
), wanted as (
    select r.id, r.site, r.plan, r.changed_at, sum(p.watts) filter (where not r.warm) over (partition by r.site order by r.changed_at, r.id) as more
    from ranked r join plans p on p.id = r.plan
    where not r.warm and r.place <= p.warm - r.have
       or r.warm and r.stale and r.place = 1 and p.warm > 0
), drawn as (
    select m.site, sum(case when m.errand in ('warm', 'commission', 'inspect') then p.watts
        when d.power = 'on' then coalesce(d.watts, p.watts)
        when i.job = 'idle' and i.seen_at > now() - @waiting_for::interval then p.watts else 0 end) as watts
    from machines m join plans p on p.id = m.plan join boot_intents i on i.machine = m.id
    left join readings d on d.machine = m.id group by m.site
)
select w.id, w.site, w.plan from wanted w join sites s on s.id = w.site join drawn d on d.site = w.site
where s.power_budget is null or d.watts + coalesce(w.more, 0) <= s.power_budget
order by w.changed_at, w.id limit @most;

-- name: LostSpares :many
-- Machines that runs of their own hold.
select id, site, plan, run, errand from machines
where run <> '' and changed_at < now() - @older_than::interval order by changed_at limit @most;

-- name: EverErased :one
-- An erasure before a restore proves nothing: what came after it is forgotten.
select exists (select from erasures where machine = $1 and erased_at > coalesce((select max(noted_at) from restores), '-infinity'));

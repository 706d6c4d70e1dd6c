-- Lists for people, metrics and audits. They only read.

-- name: DeviceByID :one
select d.*, coalesce(m.id, '')::text as machine, coalesce(m.rack, '')::text as rack
from devices d left join machines m on m.device = d.id
where d.id = $1;

-- name: ListPorts :many
select p.switch, p.name, p.machine, p.profile, coalesce(p.device, '')::text as device, p.generation, p.applied,
    coalesce(l.prefix::text, '')::text as install, p.reason
from ports p join switches s on s.id = p.switch
left join pieces l on l.holder = 'port/' || p.switch || ':' || p.name and l.ask = 'install'
where @site::text = '' or s.site = @site
order by p.switch, p.name;

-- name: ListOrders :many
-- The newest first.
select o.id, o.action, o.device, d.project, d.site, d.plan, o.state, o.outcome, o.wanted_at, o.started_at, o.ended_at
from orders o join devices d on d.id = o.device
where (@device::text = '' or o.device = @device) and (@project::text = '' or d.project = @project)
order by o.wanted_at desc, o.id limit @most;

-- name: ListEvents :many
-- The newest first.
select id, at, coalesce(device, '')::text as device, coalesce(machine, '')::text as machine, kind, body from events
where (@device::text = '' or device = @device) and (@machine::text = '' or machine = @machine)
order by id desc limit @most;

-- name: LastEvent :one
select coalesce(max(id), 0)::bigint from events where device = @device::text;

-- name: LeasesOfDevices :many
select l.device::text as device, l.prefix, b.role, coalesce(b.site, '')::text as site, b.purpose from pieces l join blocks b on b.prefix = l.block
where l.device = any(@devices::text[])
order by l.device, family(l.prefix), b.role desc, l.prefix;

-- name: CountDevices :many
select site, plan, state, count(*) from devices group by site, plan, state order by site, plan, state;

-- name: CountOrders :many
-- Those that are forgotten, too: a count does not go down.
select action::text as action, state::text as state, sum(n)::bigint as count from (
    select action, state, count(*) as n from orders group by action, state
    union all select split_part(kind, '/', 1), split_part(kind, '/', 2), f.n from forgotten f where what = 'orders') o
group by action, state order by action, state;

-- name: Leaks :many
-- Whatever is held with no living device or run behind it. Each line compares
-- rows of one transaction's making, so a healthy system shows none at any moment.
select 'lease' as kind, (l.prefix::text || ' of device ' || d.id || ', which is ' || d.state)::text as what
from pieces l join devices d on d.id = l.device
where d.state not in ('provisioning', 'reinstalling', 'powering_on', 'powering_off', 'deprovisioning')
  and not exists (select from machines m where m.device = d.id)
union all
select 'claim', m.id || ' is ' || m.state || ' for device ' || d.id || ', which is ' || d.state
from machines m join devices d on d.id = m.device
where d.state in ('queued', 'deleted')
   or m.state = 'claimed' and d.state not in ('provisioning', 'reinstalling', 'powering_on', 'powering_off', 'deprovisioning')
union all
select 'tenant port', p.switch || ':' || p.name || ' carries device ' || d.id || ', which is ' || d.state
from ports p join devices d on d.id = p.device
where not exists (select from machines m where m.id = p.machine and m.device = p.device)
union all
select 'boot intent', 'machine ' || i.machine || ' is to ' || i.job || ' for ' || i.run || ' and is ' || m.state
from boot_intents i join machines m on m.id = i.machine
where i.job <> 'none' and m.state <> 'claimed'
  and not (i.run = '' and (i.job in ('rescue', 'ipxe') and m.state = 'occupied' or i.job = 'idle' and m.state = 'idle'))
union all
select 'claim', m.id || ' is held by ' || m.run
from machines m where m.run <> ''
union all
select 'usage', 'device ' || d.id || ' is ' || d.state || ' and still charged for'
from usages u join devices d on d.id = u.device
where u.ended_at is null and d.state in ('queued', 'provisioning', 'deprovisioning', 'deleted')
union all
select 'space', a.prefix::text || ': its pieces are not the whole of it'
from aggregates a
where 2::numeric ^ ((case family(a.prefix) when 4 then 32 else 128 end) - masklen(a.prefix)) is distinct from
    (select sum(2::numeric ^ ((case family(p.prefix) when 4 then 32 else 128 end) - masklen(p.prefix))) from pieces p where p.aggregate = a.prefix)
union all
select 'space', p.prefix::text || ' counts to ' || coalesce('block ' || p.block::text, 'no block') || ' and lies in block ' || b.prefix::text
from blocks b join pieces p on p.first >= first_of(b.prefix) and p.first <= set_masklen(broadcast(b.prefix), masklen(first_of(b.prefix)))
where p.block is null or b.prefix << p.block
union all
select 'space', p.prefix::text || ' counts to block ' || p.block::text || ', which there is not'
from pieces p where p.block is not null and not exists (select from blocks b where b.prefix = p.block)
union all
select 'reservation', b.prefix::text || ' is reserved by nobody'
from blocks b where b.purpose = 'reservation' and not exists (select from reservations r where r.prefix = b.prefix and r.state = 'created')
order by kind, what;

-- What is counted of the fleet for metrics. Nothing here changes anything; what
-- is retired is not counted.

-- name: CountHealth :many
select site, plan, state, health, count(*) from machines
where state <> 'retired' group by site, plan, state, health;

-- name: CountIssues :many
-- Those that are open.
select m.site, m.plan, i.kind, i.severity, count(*) from issues i join machines m on m.id = i.machine
where i.closed_at is null and m.state <> 'retired'
group by m.site, m.plan, i.kind, i.severity;

-- name: CountOldFirmware :many
-- Machines by the component that is not at its plan's baseline.
select m.site, m.plan, i.part as component, count(distinct i.machine) from issues i join machines m on m.id = i.machine
where i.closed_at is null and i.kind = 'wrong-firmware' and m.state <> 'retired'
group by m.site, m.plan, i.part;

-- name: CountSpares :many
-- Of each plan at each site where it has machines: those that the next order
-- could have, those of them that wait in the agent, and what is wanted.
select m.site, m.plan, p.spares as spares_wanted, p.warm as warm_wanted,
    count(*) filter (where m.state = 'idle' and m.reservation is null and m.health in ('unknown', 'ok')) as spares,
    count(*) filter (where m.state = 'idle' and m.reservation is null
        and i.job = 'idle' and i.up_at is not null and i.seen_at > now() - @waiting_for::interval) as warm
from machines m join plans p on p.id = m.plan left join boot_intents i on i.machine = m.id
where m.state <> 'retired'
group by m.site, m.plan, p.spares, p.warm;

-- name: SumWatts :many
-- What each rack draws. A machine whose BMC does not answer draws on: it counts
-- with what was read last.
select m.site, m.rack, sum(r.watts)::float8 as watts
from readings r join machines m on m.id = r.machine
where r.watts is not null and m.state <> 'retired'
group by m.site, m.rack;

-- name: PowerBudgets :many
select id as site, power_budget::int as watts from sites where power_budget is not null;

-- name: PatrolAges :many
-- How long ago the machine was visited that was visited first, answered or not.
select m.site, bool_or(r.machine is null)::bool as never,
    coalesce(extract(epoch from now() - min(r.tried_at)), 0)::float8 as seconds
from machines m left join readings r on r.machine = m.id
where m.state not in ('retired', 'maintenance')
group by m.site;

-- name: StrainedBMCs :many
-- Those that do not always answer, and those that nobody asks for a while.
select m.site, b.machine, b.score::float8 as score, coalesce(b.rests_until > now(), false)::bool as rests
from bmc_records b join machines m on m.id = b.machine
where m.state <> 'retired' and (b.score >= 0.005 or b.rests_until > now());

-- name: MachineWatts :many
select m.site, m.rack, r.machine, r.watts::float8 as watts
from readings r join machines m on m.id = r.machine
where r.watts is not null and r.at > now() - @good_for::interval and m.state <> 'retired';

-- name: MachineSensors :many
-- Temperatures, and the fans of machines that are on. Of two sensors with one
-- name (some BMCs call both of two processors "Temp") the worse one. Without
-- everything, only what is close to its critical limit, and fans that stand. A
-- limit that the BMC does not give is infinite.
with sensors as (
    select m.site, r.machine, e ->> 'name' as name, e ->> 'kind' as kind, coalesce(e ->> 'unit', '') = '%' as percent,
        (e ->> 'value')::float8 as value, (e ->> 'high_warning')::float8 as warning, (e ->> 'high_critical')::float8 as critical
    from readings r join machines m on m.id = r.machine
    cross join lateral jsonb_array_elements(r.body -> 'sensors') as e
    where r.at > now() - @good_for::interval and m.state <> 'retired'
        and (e ->> 'kind' = 'temperature' or e ->> 'kind' = 'fan' and r.power = 'on')
        and e ->> 'value' is not null and coalesce(e ->> 'state', '') not in ('absent', 'disabled')
)
select site, machine, name::text as sensor, kind::text as kind, percent::bool as percent,
    (case kind when 'fan' then min(value) else max(value) end)::float8 as value,
    coalesce(min(warning), 'Infinity')::float8 as warning, coalesce(min(critical), 'Infinity')::float8 as critical
from sensors
group by site, machine, name, kind, percent
having @everything::bool or kind = 'fan' and min(value) = 0 or kind = 'temperature' and max(value) >= min(critical) - @near::float8;

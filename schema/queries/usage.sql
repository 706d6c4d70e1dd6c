-- name: HasOpenUsage :one
select exists (select from usages where device = $1 and ended_at is null);

-- name: LimitLockWait :exec
-- Writers queue behind who waits for them: nobody waits for long.
select set_config('lock_timeout', '5s', true);

-- name: LockUsage :exec
-- Waits for every transaction that is writing usage, and keeps new ones out
-- until this one ends.
lock table usages, charges, traffic in share mode;

-- name: SealUsage :exec
update usage_sealed set until = @until where until < @until;

-- name: UsageSealed :one
select until, statement_timestamp()::timestamptz as asked from usage_sealed;

-- name: UsageRecords :many
-- What was used from one moment to another, cut to it; "going" where the period
-- is not over. Each hour of traffic is in the one period in which the hour ends.
with spans as (
    select 'device' as kind, u.id, d.project, d.id as thing, d.hostname, d.site, u.plan, null::cidr as prefix,
        u.hardware_reservation as hardware, u.started_at, u.ended_at
    from usages u join devices d on d.id = u.device
    union all
    select kind, id, project, thing, '', site, plan, prefix, null, started_at, ended_at from charges
), cut as (
    select kind, id::text as number, project, thing, hostname, site, plan, prefix, hardware, greatest(started_at, @since::timestamptz) as since,
        least(ended_at, @until::timestamptz) as until, ended_at is null and @going::bool as open, 0::numeric as octets
    from spans
    where (started_at < @until or @going and started_at = @until) and (ended_at is null or ended_at > @since or started_at >= @since)
    union all
    select 'egress', d.id, d.project, d.id, d.hostname, d.site, d.plan, null, null, @since, @until, @going, sum(t.octets)
    from traffic t join devices d on d.id = t.device
    where t.hour + interval '1 hour' > @since and (t.hour + interval '1 hour' <= @until or @going)
    group by d.id having sum(t.octets) > 0
)
select c.kind::text as kind, c.number::text as number, coalesce(p.organization, '')::text as organization, c.project::text as project,
    c.thing::text as thing, c.hostname::text as hostname, coalesce(c.site, '')::text as site, coalesce(c.plan, '')::text as plan,
    coalesce(c.prefix::text, '')::text as prefix, coalesce(c.hardware, '')::text as hardware,
    c.since::timestamptz as since, c.until::timestamptz as until, c.open::bool as open, c.octets::text as octets
from cut c left join projects p on p.id = c.project
where (@project::text = '' or c.project = @project)
  and (@organization::text = '' or p.organization = @organization)
  and (@device::text = '' or c.thing = @device and c.kind in ('device', 'egress'))
order by c.project, c.kind, c.since, length(c.number), c.number;

-- name: UsageFaults :many
-- Where what is paid for is not what is there.
select 'not charged'::text as kind, ('device ' || d.id || ' is ' || d.state || ' and nobody is charged for it')::text as what
from devices d
where d.state in ('active', 'inactive') and not exists (select from usages u where u.device = d.id and u.ended_at is null)
union all
select 'charged for nothing', 'device ' || d.id || ' is ' || d.state || ' and still charged for'
from usages u join devices d on d.id = u.device
where u.ended_at is null and d.state in ('queued', 'provisioning', 'deprovisioning', 'deleted')
union all
select 'charged for nothing', 'device ' || u.device || ' has no machine and is charged for'
from usages u where u.ended_at is null and not exists (select from machines m where m.device = u.device)
union all
select 'charged twice', 'device ' || a.device || ' is charged for by usages ' || a.id || ' and ' || b.id || ' at once'
from usages a join usages b on b.device = a.device and b.id > a.id
where a.started_at < coalesce(b.ended_at, 'infinity') and b.started_at < coalesce(a.ended_at, 'infinity')
union all
select 'charged twice', a.kind || ' reservation ' || a.thing || ' is charged for by charges ' || a.id || ' and ' || b.id || ' at once'
from charges a join charges b on (b.kind, b.thing) = (a.kind, a.thing) and b.id > a.id
where a.started_at < coalesce(b.ended_at, 'infinity') and b.started_at < coalesce(a.ended_at, 'infinity')
union all
select 'not charged', 'reservation ' || r.id || ' of ' || r.prefix || ' is held and nobody is charged for it'
from reservations r where r.state = 'created' and not exists (select from charges c where c.kind = 'address' and c.thing = r.id and c.ended_at is null)
union all
select 'charged for nothing', 'reservation ' || c.thing || ' of ' || c.prefix || ' is held no more and still charged for'
from charges c where c.kind = 'address' and c.ended_at is null and not exists (select from reservations r where r.id = c.thing and r.state = 'created' and r.project = c.project)
union all
select 'not charged', 'hardware reservation ' || h.id || ' is held and nobody is charged for it'
from hardware_reservations h where h.ended_at is null and not exists (select from charges c where c.kind = 'hardware' and c.thing = h.id and c.ended_at is null)
union all
select 'charged for nothing', 'hardware reservation ' || c.thing || ' has ended and is still charged for'
from charges c where c.kind = 'hardware' and c.ended_at is null and not exists (select from hardware_reservations h where h.id = c.thing and h.ended_at is null)
order by kind, what;

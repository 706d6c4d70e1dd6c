-- name: LockLine :one
-- Whoever decides on a turn at a plan's machines does so alone.
insert into lines (site, plan) values ($1, $2)
on conflict (site, plan) do update set served = lines.served
returning served;

-- name: JoinLine :one
-- Behind the project's last one, and not before whoever is served now. Who had a
-- machine that died goes first. Safe to repeat: only the first one joins.
insert into waiting (device, project, site, plan, lap, until)
select d.id, d.project, d.site, d.plan, case when d.state = 'provisioning' then @served::bigint
    else greatest(@served::bigint, (select max(w.lap) from waiting w where w.project = d.project and w.site = d.site and w.plan = d.plan)) + 1 end, @until
from devices d where d.id = @device
on conflict (device) do update set seen_at = now()
returning (xmax = 0)::bool as joined; -- a row that was updated has the xmax of its update

-- name: PlaceInLine :one
-- Counted from 1, and how many wait in all.
select w.lap, w.since, w.until, (select count(*) from waiting o where o.site = w.site and o.plan = w.plan
        and (o.lap, o.since, o.device) <= (w.lap, w.since, w.device))::int as place,
    (select count(*) from waiting o where o.site = w.site and o.plan = w.plan)::int as waiting
from waiting w where w.device = $1;

-- name: CountAhead :one
-- Of somebody who is in no line: all of it.
select count(*)::int from waiting o left join waiting me on me.device = @device
where o.site = @site and o.plan = @plan and o.device <> @device
  and (me.device is null or (o.lap, o.since, o.device) < (me.lap, me.since, me.device));

-- name: LeaveLine :one
-- Served: the others of its lap come before the next one. Whoever joined in this
-- very transaction has not waited. No row: it was in no line.
with served as (delete from waiting w where w.device = @device returning w.site, w.plan, w.lap, w.since)
update lines set served = greatest(lines.served, served.lap) from served
where lines.site = served.site and lines.plan = served.plan
returning (served.since < now())::bool as waited;

-- name: StillWanted :exec
-- An order that waits has not begun: if its run is lost, it is given again.
update orders set state = 'wanted', started_at = null where id = $1 and state = 'started';

-- name: SeenWaiting :exec
update waiting set seen_at = now() where device = $1;

-- name: LostWaiting :exec
-- Its run is not open: its order counts as lost from now on. Not one that has
-- asked for its place since it was called.
update waiting set seen_at = 'epoch' where device = @device and seen_at <= called_at;

-- name: Outlook :one
-- What is known of when machines come free: those on their way to the pool, how
-- long that takes, and how many tenants left in a day. A device that never had a
-- machine leaves none behind.
with gone as (
    select o.ended_at - o.wanted_at as took from orders o join devices d on d.id = o.device
    where o.action = 'deprovision' and o.state = 'done' and o.ended_at > now() - interval '1 day'
      and d.site = @site and d.plan = @plan
      and exists (select from orders p where p.device = d.id and p.action = 'provision' and p.state = 'done'))
select
    (select count(*) from machines m left join devices d on d.id = m.device
        where m.site = @site and m.plan = @plan and m.state = 'claimed'
          and (d.state = 'deprovisioning' or m.errand in ('commission', 'inspect')))::int as clearing,
    coalesce((select percentile_cont(0.5) within group (order by extract(epoch from took)) from gone), 0)::float8 as clear_s,
    (select count(*) from gone)::int as left_today;

-- name: CallWaiting :many
-- Those whose turn it is, unless they were called a moment ago.
update waiting set called_at = now() where device in (
    select w.device from (
        select o.*, row_number() over (partition by o.site, o.plan order by o.lap, o.since, o.device) as place from waiting o) w
    join (select site, plan, count(*) as idle from machines
        where state = 'idle' and health <> 'failing' and reservation is null group by site, plan) m
        on m.site = w.site and m.plan = w.plan
    where w.place <= m.idle and (w.called_at is null or w.called_at < now() - @again_after::interval)
    order by w.place limit @most)
returning device;

-- name: ListWaiting :many
-- In the order of their turns.
select l.* from (
    select w.device, w.project, w.site, w.plan, w.since, w.until, d.hostname,
        row_number() over (partition by w.site, w.plan order by w.lap, w.since, w.device)::int as place,
        count(*) over (partition by w.site, w.plan)::int as waiting
    from waiting w join devices d on d.id = w.device) l
where (@site::text = '' or l.site = @site) and (@plan::text = '' or l.plan = @plan) and (@project::text = '' or l.project = @project)
order by l.site, l.plan, l.place;

-- name: DeviceWaits :one
select site, plan from waiting where device = $1;

-- name: CountWaiting :many
-- Of each plan at each site where it has machines: who waits for one, and how
-- long the one that came first has waited.
select m.site, m.plan, count(w.device) as waiting,
    coalesce(extract(epoch from now() - min(w.since)), 0)::float8 as longest_s
from (select distinct site, plan from machines where state <> 'retired') m
left join waiting w on w.site = m.site and w.plan = m.plan
group by m.site, m.plan;

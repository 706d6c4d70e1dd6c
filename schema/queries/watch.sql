-- What operators look at of switches and BGP, and what they set.

-- name: SwitchPorts :many
-- How each port of a switch stands. A refusal is in the switch's words.
select p.name, p.machine, p.profile, coalesce(p.device, '')::text as device, p.members, p.generation, p.applied, p.reason,
    coalesce(p.refusal, '')::text as refusal, d.since as drifting_since
from ports p left join drifts d on d.switch = p.switch and d.port = p.name
where p.switch = @switch
order by p.name;

-- name: CountPorts :many
-- Each port counts once: as refused before pending, as pending before drifting.
select w.site, w.id as switch, w.checked_at,
    count(p.name) filter (where p.refused is not null) as refused,
    count(p.name) filter (where p.refused is null and p.applied < p.generation) as pending,
    count(p.name) filter (where p.refused is null and p.applied = p.generation and d.port is not null) as drifting,
    count(p.name) filter (where p.refused is null and p.applied = p.generation and d.port is null) as intended,
    (select count(*) from miscablings m where m.switch = w.id) as miscablings,
    ((select count(*) from commits c where c.switch = w.id)
        + coalesce((select f.n from forgotten f where f.what = 'commits' and f.kind = w.id), 0))::bigint as commits -- those that are forgotten, too
from switches w
left join ports p on p.switch = w.id
left join drifts d on d.switch = p.switch and d.port = p.name
group by w.id order by w.id;

-- name: CountSessions :many
-- By the switch that the device's first port is on, and as it said.
select p.switch, w.site, s.state, count(*) from bgp_sessions s
join ports p on p.device = s.device and p.position = 0
join switches w on w.id = p.switch
group by p.switch, w.site, s.state order by p.switch, s.state;

-- name: SessionsOfSwitch :many
select p.name as port, s.device, s.family, s.state, s.received, s.accepted, s.seen_at
from bgp_sessions s join ports p on p.device = s.device
where p.switch = @switch order by p.name, s.family;

-- name: EnableProjectBGP :execrows
-- Safe to repeat. Changes nothing where sessions are on that were promised
-- another AS number or key.
insert into project_bgp as b (project, deployment, peer_as, secret) values (@project, @deployment, @peer_as, @secret)
on conflict (project) do update set deployment = excluded.deployment, peer_as = excluded.peer_as, secret = excluded.secret
    where (b.deployment, b.peer_as, b.secret) = (excluded.deployment, excluded.peer_as, excluded.secret)
       or not exists (select from bgp_sessions s join devices d on d.id = s.device where d.project = excluded.project);

-- name: DisableProjectBGP :execrows
-- Nothing where sessions are on.
delete from project_bgp b
where b.project = @project and not exists (select from bgp_sessions s join devices d on d.id = s.device where d.project = b.project);

-- name: ListProjectBGP :many
select b.*, (select count(*) from bgp_sessions s join devices d on d.id = s.device where d.project = b.project) as sessions
from project_bgp b where @project::text = '' or b.project = @project order by b.project;

-- name: ReservationOfPrefix :one
select id, project, coalesce(site, '')::text as site, prefix::cidr as prefix from reservations
where state = 'created' and prefix >>= @prefix::cidr;

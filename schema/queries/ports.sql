-- name: SetPorts :many
-- What the ports of a machine should be. Raises a generation only where that
-- changes something, and lets the switch judge again what it refused; safe to
-- repeat.
update ports set
    generation = generation + case when profile = @profile and device is not distinct from nullif(@device::text, '') then 0 else 1 end,
    profile = @profile, device = nullif(@device::text, ''), reason = @reason, refused = null, refusal = null
where machine = @machine
returning switch, name, generation;

-- name: CorrectPorts :execrows
-- What the ports of a machine should be when a run lets go of it. As a rule they
-- are: an attempt that nobody waits for any more may have come in after a later
-- step. Whoever looks for ports that wait has them brought.
update ports set generation = generation + 1, profile = @profile, device = nullif(@device::text, ''),
    reason = @reason, refused = null, refusal = null
where machine = @machine and (profile <> @profile or device is distinct from nullif(@device::text, ''));

-- name: PortsOfMachine :many
select switch, name, position from ports where machine = $1 order by position;

-- name: BumpPorts :many
-- Asks for another look at the ports that carry a device: what it may use has
-- changed. One that is parked will get it when it opens.
update ports set generation = generation + 1, reason = @reason, refused = null, refusal = null
where device = any(@devices::text[])
returning switch, name, generation;

-- name: BumpSpeakers :exec
-- What devices of a project may announce has changed, at one site or, with none, at all.
update ports set generation = generation + 1, reason = @reason, refused = null, refusal = null
where device in (select s.device from bgp_sessions s join devices d on d.id = s.device
    where d.project = @project and (@site::text = '' or d.site = @site));

-- name: BumpNamed :many
update ports set generation = generation + 1, reason = @reason, refused = null, refusal = null
where switch = @switch and name = any(@names::text[])
returning switch, name, generation;

-- name: PortIntents :many
-- Everything a driver needs to know of ports of a switch: those named, all, or
-- those that wait for a commit.
select p.switch, p.name, p.machine, p.profile, p.generation, coalesce(p.device, '')::text as device, p.position, p.members, p.advertise, p.reason,
    i.prefix as install, s.boot, s.as_number, s.peer_as, s.bgp_addresses,
    coalesce(d.project, '')::text as project, coalesce(g.peer_as, 0)::bigint as project_as, coalesce(g.secret, '')::text as bgp_secret,
    (select count(*) from ports o where o.machine = p.machine) as ports,
    array(select b.family from bgp_sessions b where b.device = p.device)::int[] as sessions
from ports p
join switches w on w.id = p.switch
join sites s on s.id = w.site
join pieces i on i.holder = 'port/' || p.switch || ':' || p.name and i.ask = 'install'
left join devices d on d.id = p.device
left join project_bgp g on g.project = d.project
where p.switch = @switch
  and (cardinality(@names::text[]) = 0 or p.name = any(@names::text[]))
  and (not @pending::bool or p.applied < p.generation and p.refused is distinct from p.generation)
order by p.name;

-- name: LeasesOfPorts :many
select p.name, l.prefix, l.ask::text as ask, b.role, b.purpose from ports p
join pieces l on l.device = p.device
join blocks b on b.prefix = l.block
where p.switch = @switch and p.profile = 'tenant' and (cardinality(@names::text[]) = 0 or p.name = any(@names::text[]))
order by p.name, family(l.prefix), b.role desc, l.prefix;

-- name: ReservedBy :many
-- What a project's machines at a site may announce: its reservations there, and
-- those of no site.
select b.prefix, b.project::text as project from blocks b
where b.purpose = 'reservation' and b.project = any(@projects::text[]) and (b.site is null or b.site = @site::text)
order by b.prefix;

-- name: MarkApplied :exec
-- Read back as of this generation. A later change of intent stays pending.
update ports set applied = greatest(applied, least(@generation::bigint, generation)),
    refused = case when refused <= @generation then null else refused end,
    refusal = case when refused <= @generation then null else refusal end
where switch = @switch and name = @name;

-- name: MarkRefused :exec
update ports set refused = @generation::bigint, refusal = @why::text where switch = @switch and name = @name and generation = @generation and applied < @generation;

-- name: PortOutcomes :many
-- How it went with the ports named.
select name, generation, applied, refused, refusal from ports where switch = @switch and name = any(@names::text[]);

-- name: GetSwitch :one
select * from switches where id = $1;

-- name: ListSwitches :many
select w.*, (select count(*) from drifts d where d.switch = w.id) as drifts,
    (select count(*) from miscablings c where c.switch = w.id) as miscablings,
    (select count(*) from ports p where p.switch = w.id and p.applied < p.generation) as pending,
    (select count(*) from ports p where p.switch = w.id and p.refused is not null) as refused
from switches w order by w.id;

-- name: ParkedAndApplied :one
-- Whether no port of a machine can carry a tenant any more.
select coalesce(bool_and(profile = 'parked' and applied = generation), true)::bool from ports where machine = $1;

-- name: InsertCommit :exec
insert into commits (switch, comment, ports, refused, diff) values (@switch, @comment, @ports, @refused, @diff);

-- name: ListCommits :many
-- The newest first.
select * from commits where (@switch::text = '' or switch = @switch) order by id desc limit @most;

-- name: ClearDrifts :exec
delete from drifts where switch = @switch and not port = any(@ports::text[]);

-- name: UpsertDrift :exec
insert into drifts (switch, port, diff) values (@switch, @port, @diff)
on conflict (switch, port) do update set diff = excluded.diff;

-- name: ListDrifts :many
select d.*, p.machine, coalesce(p.device, '')::text as device from drifts d join ports p on p.switch = d.switch and p.name = d.port
where (@switch::text = '' or d.switch = @switch) order by d.switch, d.port;

-- name: ClearMiscablings :exec
delete from miscablings where switch = @switch and not port = any(@ports::text[]);

-- name: UpsertMiscabling :exec
insert into miscablings (switch, port, machine, declared) values (@switch, @port, @machine, @declared)
on conflict (switch, port) do update set machine = excluded.machine, declared = excluded.declared,
    since = case when miscablings.machine = excluded.machine then miscablings.since else now() end;

-- name: ListMiscablings :many
select * from miscablings where (@switch::text = '' or switch = @switch) order by switch, port;

-- name: CablesByMAC :many
-- Where each NIC of a site should be heard.
select n.mac::text as mac, n.machine, n.switch, coalesce(nullif(n.member, ''), n.port)::text as port
from nics n join switches w on w.id = n.switch
where w.site = (select o.site from switches o where o.id = @switch);

-- name: MarkChecked :exec
update switches set checked_at = now() where id = $1;

-- name: SetRepair :execrows
update switches set repair = @repair where id = @id;

-- name: SwitchesOf :many
-- Switches that have ports, to be checked.
select w.id, w.site, w.repair from switches w where exists (select from ports p where p.switch = w.id) order by w.id;

-- name: SaveAnswer :exec
insert into switch_answers (id, switch, body) values (@id, @switch, @body)
on conflict (id) do update set body = excluded.body, at = now();

-- name: Answer :one
select * from switch_answers where id = $1;

-- name: DropAnswers :exec
delete from switch_answers where at < now() - interval '1 day';

-- name: SawSession :exec
update bgp_sessions s set state = @state, received = @received, accepted = @accepted, seen_at = now()
from ports p where p.switch = @switch and p.name = @port and s.device = p.device and s.family = @family;

-- name: SetProjectBGP :exec
insert into project_bgp (project, deployment, peer_as, secret) values (@project, @deployment, @peer_as, @secret)
on conflict (project) do update set deployment = excluded.deployment, peer_as = excluded.peer_as, secret = excluded.secret;

-- name: DropProjectBGP :exec
delete from project_bgp where project = $1;

-- name: DropProjectSessions :exec
delete from bgp_sessions s using devices d where d.id = s.device and d.project = $1;

-- name: ProjectBGP :one
select * from project_bgp where project = $1;

-- name: OpenSession :exec
insert into bgp_sessions (device, family) values (@device, @family) on conflict do nothing;

-- name: CloseSession :exec
delete from bgp_sessions where device = @device and family = @family;

-- name: CloseSessionsOf :exec
delete from bgp_sessions where device = $1;

-- name: ListSessions :many
select s.*, d.project from bgp_sessions s join devices d on d.id = s.device
where (@project::text = '' or d.project = @project) and (@device::text = '' or s.device = @device)
order by s.device, s.family;

-- name: GetSite :one
select * from sites where id = $1;

-- After a restore of the database: what is in doubt, what was seen of it, and
-- what came of it.

-- name: LockRestores :exec
-- One note, and one judgement, at a time.
select pg_advisory_xact_lock(hashtextextended('millwright restores', 0));

-- name: AsSurvey :exec
-- This transaction holds what it sees, and so may take addresses.
select set_config('millwright.survey', 'yes', true);

-- name: LastMoment :one
-- Of the newest sentence that the records have.
select coalesce(max(at), now())::timestamptz from events;

-- name: LastRestore :many
select r.*, (select count(*) from machine_doubts d where d.restore = r.id)::int as machines,
    (select count(*) from switch_doubts d where d.restore = r.id and d.read_at is null)::int as switches
from restores r order by r.id desc limit 1;

-- name: CloseRestores :exec
-- What was in doubt before is in doubt anew.
update restores set over_at = now() where over_at is null;

-- name: ForgetDoubts :exec
with machines as (delete from machine_doubts), switches as (delete from switch_doubts) delete from carried_ports;

-- name: DoubtOnSwitch :one
-- Whether a switch was not read yet, and which of its ports are of machines in doubt.
select exists (select from switch_doubts d where d.switch = @switch and d.read_at is null)::bool as unread,
    array(select p.name from ports p join machine_doubts x on x.machine = p.machine where p.switch = @switch)::text[] as doubted;

-- name: InsertRestore :one
insert into restores (since, noted_by) values (@since, @noted_by) returning id;

-- name: DoubtMachines :execrows
insert into machine_doubts (machine, site, restore) select id, site, @restore from machines;

-- name: DoubtSwitches :execrows
insert into switch_doubts (switch, site, restore)
select w.id, w.site, @restore from switches w where exists (select from ports p where p.switch = w.id);

-- name: JumpBoots :exec
insert into boot_jumps (machine) select id from machines on conflict do nothing;

-- name: JumpEpochs :exec
insert into epoch_jumps (machine) select id from machines on conflict do nothing;

-- name: LiftIdentities :exec
select lift_identities(1000000);

-- name: SitesInDoubt :many
select site from machine_doubts union select site from switch_doubts order by 1;

-- name: SwitchesToRead :many
select w.* from switch_doubts d join switches w on w.id = d.switch
where d.site = @site and d.read_at is null order by w.id;

-- name: BMCsToAsk :many
select m.id, m.bmc from machine_doubts d join machines m on m.id = d.machine
where d.site = @site and m.state <> 'retired' order by m.id;

-- name: DropCarried :exec
delete from carried_ports where switch = @switch;

-- name: KeepCarried :exec
insert into carried_ports (switch, port, words, prefixes, announced) values (@switch, @port, @words, @prefixes, @announced)
on conflict (switch, port) do update set words = excluded.words, prefixes = excluded.prefixes, announced = excluded.announced;

-- name: MarkRead :exec
update switch_doubts set read_at = now(), problem = '' where switch = @switch and read_at is null;

-- name: MarkDark :exec
update switch_doubts set problem = @problem where switch = @switch and read_at is null;

-- name: KeepFoundPower :exec
update machine_doubts set power = @power, kind = @kind, problem = @problem, looks = looks + 1,
    on_since = case when @power = 'on' then coalesce(on_since, now()) end
where machine = @machine;

-- name: NoteStray :exec
-- An agent that names a later boot than the one on record.
update machine_doubts d set stray = @boot::bigint from boot_intents i
where d.machine = @machine and i.machine = d.machine and @boot > i.number;

-- name: DoubtedMachines :many
-- As the records have them, and what was learnt of each since the restore. A
-- step is written by an agent with the token on record.
select m.id, m.state, coalesce(m.device, '')::text as device, coalesce(d.state, '')::text as device_state, m.run,
    (m.state = 'idle' and i.job = 'idle' and i.up_at is not null)::bool as warm,
    x.power, x.kind, x.problem, x.looks, coalesce(x.stray, 0)::bigint as stray,
    coalesce(extract(epoch from now() - x.on_since), 0)::float8 as on_for,
    (coalesce(i.seen_at > r.noted_at, false)
        or exists (select from steps s where s.machine = m.id and s.boot = i.number and s.at > r.noted_at))::bool as heard
from machine_doubts x join machines m on m.id = x.machine join restores r on r.id = x.restore
join boot_intents i on i.machine = m.id left join devices d on d.id = m.device
where x.site = @site order by m.id;

-- name: PortsInDoubt :many
select p.switch, p.name, p.machine, (p.profile = 'tenant')::bool as open, (p.applied < p.generation)::bool as pending, l.prefix as install
from ports p join machine_doubts x on x.machine = p.machine
join pieces l on l.holder = 'port/' || p.switch || ':' || p.name and l.ask = 'install'
where x.site = @site order by p.machine, p.position;

-- name: LeasesAt :many
select l.device::text as device, l.prefix from pieces l join devices d on d.id = l.device where d.site = @site;

-- name: CarriedAt :many
select c.* from carried_ports c join switches w on w.id = c.switch where w.site = @site;

-- name: DarkSwitches :many
select switch, problem from switch_doubts where site = @site and read_at is null order by switch;

-- name: Homeless :many
-- Devices that wait for a machine: a run is to give them one.
select id, state from devices d where d.site = @site and d.state in ('queued', 'provisioning')
  and not exists (select from machines m where m.device = d.id) order by id for update;

-- name: EndDoubt :exec
delete from machine_doubts where machine = @machine;

-- name: DropJudged :exec
-- What was read of ports whose machines are judged, or that are no machine's.
delete from carried_ports c using switches w where w.id = c.switch and w.site = @site
  and not exists (select from ports p join machine_doubts x on x.machine = p.machine where p.switch = c.switch and p.name = c.port);

-- name: EndSwitchDoubts :execrows
-- All at once, when all are read and nobody is left in doubt behind them.
delete from switch_doubts d where d.site = @site
  and not exists (select from switch_doubts o where o.site = @site and o.read_at is null);

-- name: EndRestore :exec
update restores set over_at = now() where over_at is null
  and not exists (select from machine_doubts) and not exists (select from switch_doubts);

-- name: TakeAside :exec
-- Out of everybody's reach, with nobody on it. What is on its disks is whoever's.
update machines set state = 'quarantined', reason = @reason, device = null, dirty = true, epoch = epoch + 1, changed_at = now(),
    run = '', errand = '', was = '', was_reason = '', aside_run = '', aside_boot = (select number from boot_intents where machine = machines.id)
where id = @machine;

-- name: LeavePorts :exec
-- As they were found: no commit touches them until a run sets them anew. To the
-- committer they are ports that their switch refused.
update ports set generation = generation + 1, refused = generation + 1, refusal = @why::text,
    profile = 'parked', device = null, reason = 'left as a survey found it'
where machine = @machine;

-- name: OpenPorts :exec
-- What the switch has already, to be read back.
update ports set generation = generation + 1, profile = 'tenant', device = @device::text, reason = 'as a survey found it', refused = null, refusal = null
where machine = @machine;

-- name: Occupy :exec
update machines set state = 'occupied', epoch = epoch + 1, dirty = true, changed_at = now() where id = @machine;

-- name: StopUsage :exec
-- At the last moment that the records know of, or as early as bills that are
-- written allow.
update usages set ended_at = greatest(started_at, @since::timestamptz, (select until from usage_sealed))
where device = @device and ended_at is null;

-- name: MovePiece :exec
-- From whoever the records gave it to.
update pieces set holder = @holder::text, ask = @ask::text, taken_at = clock_timestamp(), released = null where first = @first;

-- name: CallOut :exec
insert into survey_calls (restore, kind, site, machine, port, device, prefix, evidence, next)
values (@restore, @kind, @site, @machine, @port, @device, sqlc.narg('prefix')::cidr, @evidence, @next);

-- name: SurveyCalls :many
select * from survey_calls where restore = @restore order by id;

-- name: StillInDoubt :many
select d.machine, d.site, d.power, d.problem, d.looks from machine_doubts d order by d.site, d.machine;

-- name: StillDark :many
select switch, site, problem from switch_doubts where read_at is null order by site, switch;

-- name: PortsAt :many
select p.switch, p.name from ports p join switches w on w.id = p.switch where w.site = @site;

-- name: CloseSurveyed :execrows
update issues set closed_at = now(), closed_by = @by where machine = @machine and look = 'survey' and closed_at is null;

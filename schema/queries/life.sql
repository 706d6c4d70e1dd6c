-- name: ClaimAside :one
-- A machine that no device lives on, for a run of its own. A repeat of the same
-- run finds it, under a new epoch. Where it came from is kept, to put it back.
update machines set state = 'claimed', run = @run, errand = @errand, epoch = epoch + 1, changed_at = now(), reason = '',
    was = case when state = 'claimed' then was else state end,
    was_reason = case when state = 'claimed' then was_reason else reason end
where id = @machine and device is null and (state = any(@from_states::text[]) or state = 'claimed' and run = @run)
returning epoch;

-- name: PutBack :exec
-- To where a run of its own took it from. One with an issue that keeps it from
-- the pool does not become idle.
update machines set run = '', errand = '', changed_at = now(), was = '', was_reason = '',
    state = case when was not in ('', 'idle') then was when kept or dirty then 'quarantined' else 'idle' end,
    reason = case when was = 'quarantined' then was_reason
        when was in ('', 'idle') and (kept or dirty) then 'not as its plan says: see its issues' else '' end
from (select exists (select from issues i where i.machine = @machine and i.closed_at is null and i.blocks) as kept) k
where machines.id = @machine;

-- name: MakeIdle :exec
-- Proven, and erased. The epoch stays: nothing but this claim could write under it.
update machines set state = 'idle', run = '', errand = '', was = '', was_reason = '', dirty = false, proven_at = now(), changed_at = now()
where id = @machine;

-- name: RetireMachine :exec
update machines set state = 'retired', run = '', errand = '', was = '', was_reason = '', dirty = false, changed_at = now()
where id = @machine;

-- name: SetAside :exec
-- By a look or a person, without a run. Whatever waits on the machine is of an
-- older epoch from here on.
update machines set state = 'quarantined', reason = @reason, epoch = epoch + 1, changed_at = now(),
    aside_run = '', aside_boot = (select number from boot_intents where machine = machines.id)
where id = @machine;

-- name: LockMachineLife :one
select id, site, plan, state, device, run, dirty, reason, health, was from machines where id = $1 for no key update;

-- name: MoveMachine :exec
-- By a person's word.
update machines set state = @state, reason = @reason, note = @note, until = sqlc.narg('until')::timestamptz,
    epoch = epoch + 1, changed_at = now() where id = @machine;

-- name: DueMaintenance :many
select id, note, until from machines where state = 'maintenance' and until < now() for update skip locked;

-- name: MachinesToProve :many
-- Machines that came in and that no run has proven, oldest first; after a run
-- that could not, a while later.
select m.id, m.site, m.plan from machines m join nics n on n.machine = m.id and n.position = 0
where m.state = 'enrolled' and (m.epoch = 0 or m.changed_at < now() - @again_after::interval)
order by m.changed_at, m.id limit @most;

-- name: SetHealth :exec
update machines set health = @health where id = @machine and health <> @health;

-- name: SetSerial :exec
-- The first that was found; a person accepts another.
update machines set serial = @serial where id = @machine and serial = '';

-- name: AcceptSerial :exec
update machines set serial = '' where id = @machine;

-- name: Twins :many
select id from machines where serial = @serial and id <> @machine and state <> 'retired' and @serial <> '' order by id;

-- name: TurnAtSerial :exec
-- Two machines that say the same serial at the same moment see each other.
select pg_advisory_xact_lock(hashtextextended('serial/' || @serial::text, 0));

-- name: HasTwin :one
select exists (select from machines m join machines twin on twin.serial = m.serial and twin.id <> m.id and twin.state <> 'retired'
    where m.id = @machine and m.serial <> '')::bool as twin;

-- name: IsWell :one
-- Whether nothing is open of a machine, and its health says so.
select (exists (select from machines m where m.id = @machine and m.health = 'ok')
    and not exists (select from issues i where i.machine = @machine and i.closed_at is null))::bool as well;

-- name: OpenIssues :many
select * from issues where machine = @machine and closed_at is null order by array_position(array['failing', 'degraded', 'note'], severity), kind, part, id;

-- name: OpenIssue :one
-- Finds it again where it is open. New says that it was not.
insert into issues (machine, look, kind, part, severity, blocks, detail)
values (@machine, @look, @kind, @part, @severity, @blocks, @detail)
on conflict (machine, look, kind, part) where closed_at is null do update
    set seen_at = now(), detail = excluded.detail, severity = excluded.severity, blocks = excluded.blocks
returning (xmax = 0)::bool as new;

-- name: CloseIssuesBut :many
-- Of one look, those that it did not find any more.
update issues set closed_at = now() where machine = @machine and look = @look and closed_at is null
    and kind || '/' || part <> all(@found::text[]) and kind <> all(@keep::text[])
returning kind, part;

-- name: CloseIssue :execrows
update issues set closed_at = now(), closed_by = @by where id = @id and machine = @machine and closed_at is null;

-- name: CloseAllIssues :many
-- By a person's word for the whole machine.
update issues set closed_at = now(), closed_by = @by where machine = @machine and closed_at is null and blocks
returning kind, part;

-- name: BlockingIssues :many
select kind, part, detail from issues where machine = @machine and closed_at is null and blocks order by array_position(array['failing', 'degraded', 'note'], severity), kind, part;

-- name: WorstIssue :one
-- Health is the worst of what is open.
select coalesce(max(case severity when 'failing' then 3 when 'degraded' then 2 else 1 end), 0)::int from issues
where machine = @machine and closed_at is null;

-- name: ListIssues :many
select i.*, m.site, m.plan, m.state from issues i join machines m on m.id = i.machine
where (@site::text = '' or m.site = @site) and (@machine::text = '' or m.id = @machine)
  and (@closed::bool or i.closed_at is null)
order by i.closed_at is null desc, array_position(array['failing', 'degraded', 'note'], i.severity), i.opened_at desc, i.id limit @most;

-- name: DeclaredMachine :one
select m.id, m.site, m.plan, m.firmware, m.serial, m.disks, m.health, p.hardware, p.fitness,
    i.boot as inventory_boot, i.body as inventory
from machines m join plans p on p.id = m.plan left join inventories i on i.machine = m.id
where m.id = $1;

-- name: DeclaredNICs :many
select mac::text, switch, port, member from nics where machine = $1 order by position;

-- name: BurnIns :many
select boot, body, at from burn_ins where machine = @machine order by boot desc limit 10;

-- name: GetBurnIn :one
select body from burn_ins where machine = @machine and boot = @boot;

-- name: DueReadings :many
-- Machines whose BMC was not visited of late, longest ago first; none that has left.
select m.id, m.bmc, coalesce(r.log_mark, '')::text as log_mark, coalesce(r.failed, 0)::int as failed, p.hardware, p.fitness
from machines m join plans p on p.id = m.plan left join readings r on r.machine = m.id
where m.site = @site and m.state <> 'retired' and (r.tried_at is null or r.tried_at < now() - @older_than::interval)
order by r.tried_at nulls first, m.id;

-- name: PutReading :exec
insert into readings (machine, at, power, watts, body, log_mark) values (@machine, @at, @power, sqlc.narg('watts'), @body, @log_mark)
on conflict (machine) do update set at = excluded.at, power = excluded.power, watts = excluded.watts, body = excluded.body,
    log_mark = excluded.log_mark, tried_at = now(), failed = 0, error = '';

-- name: PutNoReading :one
insert into readings (machine, at, body, failed, error) values (@machine, 'epoch', '{}', 1, @error)
on conflict (machine) do update set tried_at = now(), failed = readings.failed + 1, error = excluded.error
returning failed;

-- name: GetReading :one
select * from readings where machine = $1;

-- name: KeepLogEntry :execrows
insert into log_entries (machine, entry, at, severity, sensor, message)
values (@machine, @entry, sqlc.narg('at'), @severity, @sensor, @message) on conflict do nothing;

-- name: ListLogEntries :many
select * from log_entries where machine = @machine order by id desc limit @most;

-- name: TakeTurn :one
-- The turn of a BMC for one conversation, if nobody else has it. No row: somebody has.
insert into bmc_records (machine, holder, held_until) values (@machine, @holder, @until)
on conflict (machine) do update set holder = excluded.holder, held_until = excluded.held_until
where bmc_records.held_until < now() or bmc_records.holder = excluded.holder
returning *;

-- name: GiveTurn :execrows
-- Back, with what was learnt. Whoever lost the turn meanwhile writes nothing.
update bmc_records set holder = '', held_until = 'epoch', protocol = @protocol, protocol_at = sqlc.narg('protocol_at'), used_at = sqlc.narg('used_at'), gap = @gap, score = @score, failures = @failures,
    rests_until = sqlc.narg('rests_until'), last_error = @last_error, last_ok = sqlc.narg('last_ok'), reset_at = sqlc.narg('reset_at'), changed_at = now()
where machine = @machine and holder = @holder;

-- name: BMCRecord :one
select * from bmc_records where machine = $1;

-- name: RotatedPassword :one
select (sealed is not null or next_sealed is not null)::bool from bmc_credentials where machine = $1;

-- name: ListFleet :many
select m.id, m.site, m.rack, m.unit, m.plan, m.state, coalesce(m.device, '')::text as device, m.run, m.errand, m.dirty, m.reason,
    m.health, m.proven_at, m.note, m.until, m.serial, m.reservation, m.filed, m.changed_at,
    n.switch, n.port, coalesce(r.power, '')::text as power, r.watts, r.at as read_at,
    (select count(*) from issues i where i.machine = m.id and i.closed_at is null)::int as issues
from machines m join nics n on n.machine = m.id and n.position = 0 left join readings r on r.machine = m.id
where (@site::text = '' or m.site = @site) and (@machine::text = '' or m.id = @machine)
order by m.site, m.rack, m.unit, m.id;

-- name: IdleBehind :many
-- Idle machines of a plan whose firmware is another than the one wanted.
select m.id from machines m left join readings r on r.machine = m.id
where m.site = @site and m.plan = @plan and m.state = 'idle'
  and not exists (select from jsonb_array_elements(r.body -> 'firmware') f
      where f ->> 'component' = @component::text and f ->> 'version' = @version::text)
order by m.id;

-- name: AddEnrolment :exec
insert into enrolments (id, site, address, credential, sealed, machine, body)
values (@id, @site, @address, @credential, @sealed, @machine, @body) on conflict (id) do nothing;

-- name: GetEnrolment :one
select * from enrolments where id = $1;

-- name: OpenEnrolments :many
select id, site from enrolments where done_at is null and made_at < now() - @older_than::interval order by made_at limit @most;

-- name: EndEnrolment :exec
update enrolments set done_at = now(), outcome = @outcome, found = sqlc.narg('found'), sealed = null where id = @id and done_at is null;

-- name: ListEnrolments :many
select * from enrolments where (@site::text = '' or site = @site) order by made_at desc limit @most;

-- name: NoteAdmitted :exec
-- It stands in no site's file.
update machines set filed = false, serial = @serial where id = @machine;

-- name: SitesWithMachines :many
select s.id from sites s where exists (select from machines m where m.site = s.id and m.state <> 'retired') order by s.id;

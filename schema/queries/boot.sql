-- name: SetBootIntent :one
-- The next boot of a machine. Under one claim an attempt is numbered once: a
-- repeat returns the number it got. One that comes after a later one, because it
-- froze and nobody waits for it any more, changes nothing.
update boot_intents set
    number = number + 1, job = @job, run = @run, epoch = @epoch, attempt = @attempt, brief = @brief,
    token_hash = null, handed_out = null, warm = false, up_at = null, seen_at = null
where machine = @machine and (epoch, attempt) < (@epoch::bigint, @attempt::int)
returning number;

-- name: SetWarmIntent :one
-- A job for the agent that waits on the machine, if one does: it keeps its boot
-- and its token. So does the one that has just proven the machine, and is to
-- erase it. No row: none does, or the attempt was numbered before.
update boot_intents set
    job = @job, run = @run, epoch = @epoch, attempt = @attempt, handed_out = null, warm = true
where machine = @machine and (epoch, attempt) < (@epoch::bigint, @attempt::int)
  and (job = 'idle' and @job::text = 'install' or job = 'prove' and @job::text = 'erase') and up_at is not null and seen_at > now() - @waiting_for::interval
returning number;

-- name: GetBootIntent :one
select * from boot_intents where machine = $1;

-- name: LeaveAgent :execrows
-- The agent is told to boot the disk, and so is the machine from now on.
-- Safe to repeat.
update boot_intents set job = 'leave'
where machine = @machine and number = @number and epoch = @epoch and job in ('install', 'leave');

-- name: EndBootIntent :exec
-- Nobody waits any more: the machine boots its disk.
update boot_intents set job = 'none', run = '', token_hash = null, handed_out = null where machine = $1;

-- name: KeepBootIntent :exec
-- Nobody waits any more, and the machine goes on booting what it booted.
update boot_intents set run = '' where machine = $1;

-- name: IssueToken :execrows
-- A later script replaces the token of an earlier one.
update boot_intents i set token_hash = @token_hash
from machines m
where i.machine = @machine and i.number = @number and m.id = i.machine
  and not exists (select from machine_doubts x where x.machine = m.id)
  and (i.job in ('install', 'erase', 'prove') and m.state = 'claimed' and m.epoch = i.epoch
    or i.job = 'rescue' and m.state in ('claimed', 'occupied')
    or i.job = 'idle' and m.state in ('claimed', 'idle'));

-- name: LockMachine :exec
-- Never "for update": rows that refer to a machine are written all the time, and
-- each would wait; with a report that holds the boot's intent, for ever.
select from machines where id = $1 for no key update;

-- name: TakeJob :one
-- The job of this boot, if its claim still stands; destructive ones are noted
-- as handed out before anybody hears of them. An agent that waits goes on
-- waiting while a run that claimed its machine has not said what for. What was
-- never proven to be erased is erased in full, and an erasure before a restore
-- proves nothing. What is in doubt after one is heard, and told to wait.
update boot_intents i set seen_at = now(),
    handed_out = case when i.job in ('install', 'erase', 'prove') and not doubt.yes then coalesce(i.handed_out, now()) else i.handed_out end
from machines m, lateral (select exists (select from machine_doubts x where x.machine = m.id) as yes) doubt
where i.machine = @machine and i.number = @number and i.token_hash = @token_hash and m.id = i.machine
  and (i.job in ('install', 'erase', 'prove', 'leave') and m.state = 'claimed' and m.epoch = i.epoch
    or i.job = 'rescue' and m.state in ('claimed', 'occupied') -- until an action on the device ends it
    or i.job = 'idle' and m.state in ('claimed', 'idle'))
returning (case when doubt.yes and i.job <> 'idle' then 'wait' else i.job end)::text as job, coalesce(m.device, '')::text as device, (m.kexec and m.kexec_failed = '')::bool as kexec,
    (i.job = 'erase' or not exists (select from erasures e where e.machine = m.id
        and e.erased_at > coalesce((select max(r.noted_at) from restores r), '-infinity')))::bool as in_full,
    (case when i.job = 'prove' and not i.brief then (select p.fitness -> 'burn_in' from plans p where p.id = m.plan) end)::jsonb as burn_in;

-- name: JobDevice :one
select d.hostname, coalesce(o.image, '')::text as image, coalesce(o.size, 0)::bigint as size, d.storage
from devices d join operating_systems o on o.id = d.operating_system where d.id = $1;

-- name: RecordReport :one
-- A repeat finds the first. No row: the number is not the machine's, or the
-- token not this boot's.
insert into reports (site, machine, boot, kind, detail, run)
select m.site, m.id, i.number, @kind, @detail, i.run
from boot_intents i join machines m on m.id = i.machine
where i.machine = @machine and i.number = @number and i.run <> ''
  and (not @with_token::bool or i.token_hash = @token_hash::bytea)
on conflict (machine, boot, kind) do update set kind = excluded.kind
returning *;

-- name: UnsignalledReports :many
select * from reports where site = $1 and signalled_at is null order by id limit 1000;

-- name: MarkSignalled :exec
update reports set signalled_at = now() where id = $1 and signalled_at is null;

-- name: RecordErasure :execrows
-- Proof is what the machine reported of this boot, never what a run believes.
insert into erasures (machine, device, boot, proof, erased_at)
select r.machine, nullif(@device::text, ''), r.boot, r.detail, r.reported_at from reports r
where r.machine = @machine and r.boot = @boot and r.kind = 'erased' and r.detail <> ''
on conflict (machine, boot) do update set proof = excluded.proof;

-- name: MachinesOfSite :many
select id from machines where site = $1;

-- name: BootMachines :many
-- The machines are a list, of one or of all, so that one plan serves: a condition
-- "or all of them" was planned anew for each machine that changed, which took
-- longer than to read it.
-- What is in doubt after a restore boots its disk.
select m.id, m.firmware, m.state, n.switch, n.port, l.prefix as install,
    i.number, (case when exists (select from machine_doubts x where x.machine = m.id) then 'none' else i.job end)::text as job,
    array(select mac::text from nics where machine = m.id order by position)::text[] as macs,
    coalesce(m.device, '')::text as device
from machines m
join nics n on n.machine = m.id and n.position = 0
join pieces l on l.holder = 'port/' || n.switch || ':' || n.port and l.ask = 'install'
join boot_intents i on i.machine = m.id
where m.site = @site and m.id = any(@machines::text[])
order by m.id;

-- name: BootTenancies :many
select m.id as machine, d.id, d.project, d.site, d.plan, d.hostname, d.ssh_keys, d.tags,
    o.id as os, o.name, o.distro, o.version, o.arch, o.first_boot,
    coalesce(o.image, '')::text as image, coalesce(o.size, 0)::bigint as size,
    d.ipxe_url, d.always_pxe, d.custom_data, d.state, d.created_at, s.metro,
    coalesce(u.body, '')::bytea as user_data
from machines m join devices d on d.id = m.device
join sites s on s.id = d.site
join operating_systems o on o.id = d.operating_system
left join user_data u on u.sha256 = d.user_data
where m.site = @site and m.id = any(@machines::text[])
  and not exists (select from machine_doubts x where x.machine = m.id); -- it may be another one's by now

-- name: BootLeases :many
select m.id as machine, l.prefix, b.role, coalesce(b.site, '')::text as site, b.purpose, coalesce(l.ask, '')::text as ask from machines m
join pieces l on l.device = m.device
join blocks b on b.prefix = l.block
where m.site = @site and m.id = any(@machines::text[])
order by family(l.prefix), b.role desc, l.prefix;

-- name: NoteAgentUp :exec
-- The first word of a boot's agent.
update boot_intents set up_at = now(), seen_at = now(), agent_version = @agent_version
where machine = @machine and number = @number;

-- name: GiveUpKexec :execrows
-- Kexec failed here once: not again. Safe to repeat.
update machines set kexec_failed = @why where id = @machine and kexec and kexec_failed = '';

-- name: InsertCertificate :exec
-- A repeat finds the first.
insert into certificates (machine, device, boot, serial, body, signature, key)
select m.id, m.device, @boot, @serial, @body, @signature, @key from machines m where m.id = @machine
on conflict (machine, boot, serial) do nothing;

-- name: CertificatesOfDevice :many
select * from certificates where device = @device::text order by at, id;

-- name: CertificatesOfMachine :many
select * from certificates where machine = @machine order by at, id;

-- name: NoteErasure :exec
-- A machine whose disks were all erased in full, by an install or for its own
-- sake, needs no second erasure before its next install.
insert into erasures (machine, device, boot, proof)
select m.id, m.device, @boot, @proof from machines m where m.id = @machine
on conflict (machine, boot) do nothing;

-- name: KeepBurnIn :exec
-- A repeat replaces what it said before.
insert into burn_ins (machine, boot, body) values (@machine, @boot, @body)
on conflict (machine, boot) do update set body = excluded.body, at = now();

-- name: PutInventory :exec
insert into inventories (machine, boot, body) values (@machine, @boot, @body)
on conflict (machine) do update set boot = excluded.boot, body = excluded.body, at = now();

-- name: GetInventory :one
select * from inventories where machine = $1;

-- name: PutStep :execrows
-- Only of the machine's present boot, and from who has its token.
insert into steps (machine, boot, step, done, total, words)
select i.machine, i.number, @step, @done, @total, @words from boot_intents i
where i.machine = @machine and i.number = @boot and i.token_hash = @token_hash
on conflict (machine) do update set boot = excluded.boot, step = excluded.step, done = excluded.done,
    total = excluded.total, words = excluded.words, at = now(),
    since = case when (steps.boot, steps.step) = (excluded.boot, excluded.step) then steps.since else now() end;

-- name: GetStep :one
select s.* from steps s join boot_intents i on i.machine = s.machine and i.number = s.boot where s.machine = $1;

-- name: ShareMachine :exec
-- Before its boot's intent is locked, as everybody does it.
select from machines where id = $1 for key share;

-- name: LogLength :one
-- Bytes that are kept of the log of a boot, for who has its token. No row: it is not the machine's boot.
select coalesce((select l.place + octet_length(l.body) from agent_logs l
    where l.machine = i.machine and l.boot = i.number order by l.place desc limit 1), 0)::bigint
from boot_intents i where i.machine = @machine and i.number = @boot and i.token_hash = @token_hash
for no key update;

-- name: AppendLog :exec
insert into agent_logs (machine, boot, place, body) values (@machine, @boot, @place, @body)
on conflict do nothing;

-- name: ReadLog :many
-- Boot 0 is the last one that said anything.
select l.* from agent_logs l where l.machine = @machine and l.place >= @place
  and l.boot = case when @boot::bigint > 0 then @boot else (select max(o.boot) from agent_logs o where o.machine = @machine) end
order by l.place;

-- name: ForgetLogs :execrows
delete from agent_logs where (machine, boot, place) in (
    select machine, boot, place from agent_logs where at < now() - @older::interval order by at limit @most);

-- name: SetAgentVersion :exec
update sites set agent_version = @agent_version where id = @site and agent_version <> @agent_version;

-- name: LeaveRescue :exec
-- The next boot is the disk again. What a power run does to a device that always
-- boots its own script is up to that script.
update boot_intents i set job = 'none', run = '', token_hash = null, handed_out = null
where i.machine = @machine and i.job = 'rescue';

-- name: PutCertificateKey :exec
insert into certificate_keys (id, pem) values (@id, @pem) on conflict do nothing;

-- name: CertificateKey :one
select pem from certificate_keys where id = $1;

-- name: UncertifiedDisks :many
-- Declared disks of a machine for which a boot brought no certificate of a full erasure.
select (d ->> 'serial')::text from machines m, jsonb_array_elements(m.disks) d
where m.id = @machine and not exists (select from certificates c
    where c.machine = m.id and c.boot = @boot and c.serial = d ->> 'serial' and c.body::jsonb ->> 'mode' = 'full');

-- name: SetBootIntent :one
-- The next boot of a machine. Under one claim an attempt is numbered once:
-- a repeat returns the number it got.
update boot_intents set
    number = number + 1, job = @job, run = @run, epoch = @epoch, attempt = @attempt,
    token_hash = null, handed_out = null
where machine = @machine and (epoch, attempt) is distinct from (@epoch::bigint, @attempt::int)
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

-- name: IssueToken :execrows
-- A later script replaces the token of an earlier one.
update boot_intents i set token_hash = @token_hash
from machines m
where i.machine = @machine and i.number = @number and i.job in ('install', 'erase')
  and m.id = i.machine and m.epoch = i.epoch and m.state = 'claimed';

-- name: LockMachine :exec
select from machines where id = $1 for update;

-- name: TakeJob :one
-- The job of this boot, if its claim still stands; destructive ones are noted
-- as handed out before anybody hears of them.
update boot_intents i set handed_out = case when i.job in ('install', 'erase') then coalesce(i.handed_out, now()) else i.handed_out end
from machines m
where i.machine = @machine and i.number = @number and i.token_hash = @token_hash
  and i.job <> 'none' and m.id = i.machine and m.epoch = i.epoch and m.state = 'claimed'
returning i.job, coalesce(m.device, '')::text as device, m.kexec;

-- name: JobDevice :one
select d.hostname, o.image, o.sha256, o.size from devices d
join operating_systems o on o.id = d.operating_system where d.id = $1;

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
insert into erasures (machine, device, boot, proof)
select r.machine, @device, r.boot, r.detail from reports r
where r.machine = @machine and r.boot = @boot and r.kind = 'erased' and r.detail <> ''
on conflict (machine, boot) do update set proof = excluded.proof;

-- name: BootMachines :many
select m.id, m.firmware, m.state, n.switch, n.port, l.prefix as install,
    i.number, (i.job in ('install', 'erase'))::bool as agent,
    array(select mac::text from nics where machine = m.id order by position)::text[] as macs,
    coalesce(m.device, '')::text as device
from machines m
join nics n on n.machine = m.id and n.position = 0
join pieces l on l.holder = 'port/' || n.switch || ':' || n.port and l.ask = 'install'
join boot_intents i on i.machine = m.id
where m.site = @site and (@machine::text = '' or m.id = @machine)
order by m.id;

-- name: BootTenancies :many
select m.id as machine, d.id, d.project, d.site, d.plan, d.hostname, d.ssh_keys, d.tags,
    o.id as os, o.name, o.distro, o.version, o.image, o.sha256, o.size,
    coalesce(u.body, '')::bytea as user_data
from machines m join devices d on d.id = m.device
join operating_systems o on o.id = d.operating_system
left join user_data u on u.sha256 = d.user_data
where m.site = @site and (@machine::text = '' or m.id = @machine);

-- name: BootLeases :many
select m.id as machine, l.prefix, b.role, coalesce(b.site, '')::text as site, b.purpose from machines m
join pieces l on l.device = m.device
join blocks b on b.prefix = l.block
where m.site = @site and (@machine::text = '' or m.id = @machine)
order by family(l.prefix), b.role desc, l.prefix;

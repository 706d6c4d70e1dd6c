-- name: ConsolesWanted :many
-- The machines of a site whose consoles are to be kept: those that a run has
-- claimed, until it has heard of the installed system, and those at whose
-- console somebody sits.
select m.id, m.bmc, m.epoch, m.state, coalesce(m.device, '')::text as device, i.number, i.run,
    (m.state = 'claimed' or i.run <> '')::bool as recorded
from machines m join boot_intents i on i.machine = m.id
where m.site = @site and coalesce(m.bmc ->> 'console', '') <> 'none'
  and (m.state = 'claimed' or i.run <> '' or m.id = any(@attached::text[]))
order by m.id;

-- name: TakeConsole :one
-- A console for one keeper: a free one, its own, or, with somebody waiting at
-- it, one at which nobody sits; for a command to the BMC, any. Safe to repeat, and renews. No row: it is
-- another one's.
insert into console_keepers as k (machine, keeper, until, attached)
values (@machine, @keeper, now() + @lease::interval, @attached)
on conflict (machine) do update set
    keeper = excluded.keeper, until = excluded.until, attached = excluded.attached,
    leaving = case when k.keeper <> excluded.keeper and k.until > now() then k.keeper else k.leaving end,
    patience = case when k.keeper <> excluded.keeper and k.until > now() then excluded.until else k.patience end
where k.keeper = excluded.keeper or k.until <= now()
   or (excluded.attached and not k.attached) or @command::bool
returning (leaving = '' or leaving = keeper or patience <= now())::bool as free;

-- name: LeaveConsole :exec
-- A keeper has closed a console. Safe to repeat.
with mine as (delete from console_keepers k where k.machine = @machine and k.keeper = @keeper)
update console_keepers k set leaving = '' where k.machine = @machine and k.leaving = @keeper;

-- name: OpenConsole :one
-- Where a boot's console is written. Safe to repeat: a keeper that takes over
-- goes on with the same.
insert into consoles (machine, epoch, boot, device, run)
values (@machine, @epoch, @boot, nullif(@device::text, ''), @run)
on conflict (machine, epoch, boot) do update set run = case when excluded.run <> '' then excluded.run else consoles.run end
returning id;

-- name: NoteConsole :exec
update consoles set note = @note where id = @id;

-- name: GrowConsole :one
-- Makes room for bytes behind those that came before, for who keeps it. No row:
-- another one does by now.
update consoles c set bytes = bytes + @more::bigint, last_at = now(), note = ''
from console_keepers k
where c.id = @id and k.machine = c.machine and k.keeper = @keeper
returning (c.bytes - @more::bigint)::bigint as begins;

-- name: AddConsoleChunk :exec
insert into console_chunks (console, begins, body) values (@console, @begins, @body);

-- name: TrimConsole :exec
-- Keeps what begins within the head, and all that reaches into the tail.
delete from console_chunks c using consoles o
where o.id = @console and c.console = o.id and c.begins >= @head::bigint and c.begins < o.bytes - @tail::bigint
  and c.begins + length(c.body) <= o.bytes - @tail::bigint;

-- name: ListConsoles :many
select o.id, o.machine, o.epoch, o.boot, coalesce(o.device, '')::text as device, o.run, o.began_at, o.last_at, o.bytes, o.note,
    coalesce((select sum(length(c.body)) from console_chunks c where c.console = o.id), 0)::bigint as kept,
    (m.state = 'claimed' and m.epoch = o.epoch and i.number = o.boot)::bool as open
from consoles o join machines m on m.id = o.machine join boot_intents i on i.machine = m.id
where o.machine = @machine
order by o.id desc limit @most;

-- name: FindConsole :one
-- A machine's newest console, or the newest of a boot or a run.
select o.id, o.boot, o.run, o.bytes, o.note from consoles o
where o.machine = @machine and (@boot::bigint < 0 or o.boot = @boot) and (@run::text = '' or o.run = @run)
order by o.id desc limit 1;

-- name: ConsoleChunks :many
select begins, at, body from console_chunks where console = @console and begins >= @begins order by begins limit @most;

-- name: DropOldConsoles :execrows
delete from consoles where id in (select id from consoles where last_at < now() - @older::interval order by last_at limit @most);

-- name: DeviceAtConsole :one
-- What decides who may sit at a device's console, and when.
select d.ssh_keys, m.id as machine, m.site, d.state, i.job
from devices d join machines m on m.device = d.id join boot_intents i on i.machine = m.id
where d.id = @device and d.state <> 'deleted';

-- name: ConsoleKeeper :one
select keeper from console_keepers where machine = $1;

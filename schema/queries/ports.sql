-- name: SetPort :one
-- What the port should be. Raises the generation only where that changes
-- something; safe to repeat.
update ports set
    generation = generation + case when profile = @profile and device is not distinct from nullif(@device::text, '') then 0 else 1 end,
    profile = @profile, device = nullif(@device::text, ''), reason = @reason
where switch = @switch and name = @name
returning generation;

-- name: PortIntents :many
-- Everything a driver needs to know of some ports of a switch.
select p.switch, p.name, p.machine, p.profile, p.generation, coalesce(p.device, '')::text as device,
    i.prefix as install, s.boot
from ports p
join switches w on w.id = p.switch
join sites s on s.id = w.site
join pieces i on i.holder = 'port/' || p.switch || ':' || p.name and i.ask = 'install'
where p.switch = @switch and (cardinality(@names::text[]) = 0 or p.name = any(@names::text[]))
order by p.name;

-- name: LinksOfPorts :many
select p.name, l.prefix, b.role, b.purpose from ports p
join pieces l on l.device = p.device
join blocks b on b.prefix = l.block
where p.switch = @switch and p.profile = 'tenant' and (cardinality(@names::text[]) = 0 or p.name = any(@names::text[]))
order by p.name, family(l.prefix), b.role desc, l.prefix;

-- name: MarkApplied :exec
-- Read back as of this generation. A later change of intent stays pending.
update ports set applied = greatest(applied, least(@generation::bigint, generation)) where switch = @switch and name = @name;

-- name: GetSwitch :one
select * from switches where id = $1;

-- name: ListSwitches :many
select * from switches order by id;

-- name: ParkedAndApplied :one
select (profile = 'parked' and applied = generation)::bool from ports where switch = $1 and name = $2;

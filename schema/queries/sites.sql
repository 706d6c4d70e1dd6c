-- Imports. Each is safe to repeat; what a repeat changes is updated, and what
-- stands in use cannot be moved by it.

-- name: UpsertSite :exec
insert into sites (id, metro, boot, as_number, peer_as, bgp_addresses, power_budget)
values (@id, @metro, @boot, nullif(@as_number::bigint, 0), nullif(@peer_as::bigint, 0), coalesce(@bgp_addresses::inet[], '{}'),
    nullif(@power_budget::int, 0))
on conflict (id) do update set metro = excluded.metro, boot = excluded.boot,
    as_number = excluded.as_number, peer_as = excluded.peer_as, bgp_addresses = excluded.bgp_addresses,
    power_budget = excluded.power_budget;

-- name: UpsertRack :exec
insert into racks (site, id) values ($1, $2) on conflict do nothing;

-- name: UpsertSwitch :exec
insert into switches (id, site, rack, address, host_key, credential, driver, filter_terms)
values (@id, @site, @rack, @address, @host_key, @credential, coalesce(nullif(@driver::text, ''), 'junos'), @filter_terms)
on conflict (id) do update set site = excluded.site, rack = excluded.rack, address = excluded.address,
    host_key = excluded.host_key, credential = excluded.credential, driver = excluded.driver, filter_terms = excluded.filter_terms;

-- name: UpsertPlan :exec
insert into plans (id, description, hardware, boot_limit, install_limit, phone_home_limit, warm, fitness, spares, watts)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update set description = excluded.description, hardware = excluded.hardware,
    boot_limit = excluded.boot_limit, install_limit = excluded.install_limit,
    phone_home_limit = excluded.phone_home_limit, warm = excluded.warm,
    fitness = excluded.fitness, spares = excluded.spares, watts = excluded.watts;

-- name: GetPlan :one
select * from plans where id = $1;

-- name: UpsertOperatingSystem :exec
insert into operating_systems (id, name, distro, version, arch, first_boot, image, size)
values (@id, @name, @distro, @version, @arch, @first_boot, nullif(@image::text, ''), nullif(@size::bigint, 0))
on conflict (id) do update set name = excluded.name, distro = excluded.distro, version = excluded.version,
    arch = excluded.arch, first_boot = excluded.first_boot, image = excluded.image, size = excluded.size,
    -- What was seen of another image proves nothing of this one.
    proven = case when operating_systems.image is not distinct from excluded.image then operating_systems.proven else '' end,
    proven_at = case when operating_systems.image is not distinct from excluded.image then operating_systems.proven_at end;

-- name: RecordProof :execrows
update operating_systems set proven = @how, proven_at = now() where id = @id;

-- name: UpsertPlanOperatingSystem :exec
insert into plan_operating_systems (plan, operating_system) values ($1, $2) on conflict do nothing;

-- name: UpsertMachine :exec
-- The state is a new machine's; one that was there keeps its own.
insert into machines (id, site, rack, unit, plan, firmware, kexec, bmc, disks, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update set site = excluded.site, rack = excluded.rack, unit = excluded.unit,
    plan = excluded.plan, firmware = excluded.firmware, kexec = excluded.kexec, bmc = excluded.bmc, disks = excluded.disks,
    filed = true;

-- name: VacateBMCAddresses :exec
-- Two machines may swap their BMC addresses; no address may stand twice on the way.
update machines set bmc = jsonb_set(bmc, '{address}', to_jsonb('moving: ' || id)) where id = any(@ids::text[]);

-- name: VacateSwitchAddresses :exec
update switches set address = 'moving: ' || id where id = any(@ids::text[]);

-- name: UpsertPort :exec
-- Safe to repeat. Another machine on a port is another intent: its description changes.
insert into ports (switch, name, machine, position, members, advertise, reason)
values (@switch, @name, @machine, @position, coalesce(@members::text[], '{}'), @advertise, 'import')
on conflict (switch, name) do update set machine = excluded.machine, position = excluded.position,
    members = excluded.members, advertise = excluded.advertise,
    generation = ports.generation + 1, reason = 'import'
where (ports.machine, ports.position, ports.members, ports.advertise)
   is distinct from (excluded.machine, excluded.position, excluded.members, excluded.advertise);

-- name: TouchPortsOfSite :exec
-- Every port's filters name the boot services.
update ports p set generation = generation + 1, reason = 'import: boot services changed'
from switches s where s.id = p.switch and s.site = $1;

-- name: DropNICs :exec
delete from nics where machine = any(@machines::text[]);

-- name: UpsertNIC :exec
insert into nics (mac, machine, switch, port, member, position) values (@mac::macaddr, @machine, @switch, @port, @member, @position)
on conflict (machine, position) do update set mac = excluded.mac, switch = excluded.switch, port = excluded.port, member = excluded.member;

-- name: EnsureBootIntent :exec
insert into boot_intents (machine) values ($1) on conflict do nothing;

-- name: DropBlock :exec
-- Only for a block that is all free.
select drop_block(@prefix);

-- name: FileBlock :exec
-- What a site's file says of a block. Anycast is of no site.
update blocks set role = @role, site = nullif(@site::text, ''), filed = true where prefix = @prefix;

-- name: LockImports :exec
-- One import at a time: two would each judge by what the other changes.
select pg_advisory_xact_lock(hashtextextended('millwright import', 0));

-- name: LockMachines :exec
-- No run claims a machine while an import looks at whether it is idle.
select id from machines where site = @site or id = any(@ids::text[]) order by id for update;

-- name: AllSites :many
select * from sites order by id;

-- name: AllPlans :many
select * from plans order by id;

-- name: AllOperatingSystems :many
select o.*, array(select plan from plan_operating_systems where operating_system = o.id order by plan)::text[] as plans
from operating_systems o order by o.id;

-- name: RacksOf :many
select id from racks where site = $1 order by id;

-- name: AllBlocks :many
-- Those that import made, and what stands in the way of changing them.
select b.prefix, b.role, coalesce(b.site, '')::text as site, b.filed,
    array(select p.project from block_projects p where p.block = b.prefix order by 1)::text[] as projects, (select count(*) from pieces p where p.prefix <<= b.prefix and (p.holder is not null or p.released is not null))
    + (select count(*) from blocks c where c.parent = b.prefix) as leases
from blocks b where b.parent is null order by b.prefix;

-- name: AllSwitches :many
select * from switches order by id;

-- name: AllMachines :many
select * from machines order by id;

-- name: AllNICs :many
select mac::text as mac, machine, switch, port, member, position from nics order by machine, position;

-- name: AllPorts :many
select p.switch, p.name, p.machine, p.profile, p.position, p.members, p.advertise, s.site,
    exists (select from pieces l where l.holder = 'port/' || p.switch || ':' || p.name and l.ask = 'install') as linked
from ports p join switches s on s.id = p.switch order by p.switch, p.name;

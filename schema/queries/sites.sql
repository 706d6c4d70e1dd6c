-- Imports. Each is safe to repeat; what a repeat changes is updated, and what
-- stands in use cannot be moved by it.

-- name: UpsertSite :exec
insert into sites (id, metro, boot) values ($1, $2, $3)
on conflict (id) do update set metro = excluded.metro, boot = excluded.boot;

-- name: UpsertRack :exec
insert into racks (site, id) values ($1, $2) on conflict do nothing;

-- name: UpsertSwitch :exec
insert into switches (id, site, rack, address, host_key, credential) values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set site = excluded.site, rack = excluded.rack, address = excluded.address,
    host_key = excluded.host_key, credential = excluded.credential;

-- name: UpsertPlan :exec
insert into plans (id, description, hardware, boot_limit, install_limit, phone_home_limit)
values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set description = excluded.description, hardware = excluded.hardware,
    boot_limit = excluded.boot_limit, install_limit = excluded.install_limit,
    phone_home_limit = excluded.phone_home_limit;

-- name: GetPlan :one
select * from plans where id = $1;

-- name: UpsertOperatingSystem :exec
insert into operating_systems (id, name, distro, version, image, sha256, size) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update set name = excluded.name, distro = excluded.distro, version = excluded.version,
    image = excluded.image, sha256 = excluded.sha256, size = excluded.size;

-- name: UpsertPlanOperatingSystem :exec
insert into plan_operating_systems (plan, operating_system) values ($1, $2) on conflict do nothing;

-- name: UpsertMachine :exec
insert into machines (id, site, rack, unit, plan, firmware, kexec, bmc, disks)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update set site = excluded.site, rack = excluded.rack, unit = excluded.unit,
    plan = excluded.plan, firmware = excluded.firmware, kexec = excluded.kexec, bmc = excluded.bmc, disks = excluded.disks;

-- name: UpsertPort :exec
insert into ports (switch, name, machine) values ($1, $2, $3)
on conflict (switch, name) do update set machine = excluded.machine;

-- name: UpsertNIC :exec
insert into nics (mac, machine, switch, port, position) values (@mac::macaddr, @machine, @switch, @port, @position)
on conflict (machine, position) do update set mac = excluded.mac, switch = excluded.switch, port = excluded.port;

-- name: EnsureBootIntent :exec
insert into boot_intents (machine) values ($1) on conflict do nothing;

-- name: HasInstallLink :one
select exists (select from leases where switch = @switch::text and port = @port::text);

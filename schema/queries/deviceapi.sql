-- Devices as their tenants see and change them.

-- name: DeviceViews :many
-- All that the API says of some devices, but for their addresses. What is one
-- value from elsewhere is a subquery: planning joins of nine tables would take
-- ten times as long as running them.
select sqlc.embed(d), s.metro, p.description as plan_description, p.hardware,
    o.name as system_name, o.distro, o.version, o.arch, o.first_boot,
    coalesce((select t.organization from projects t where t.id = d.project), '')::text as organization,
    coalesce(m.id, '')::text as machine,
    coalesce((select n.switch from nics n where n.machine = m.id and n.position = 0), '')::text as switch,
    coalesce((select u.body from user_data u where u.sha256 = d.user_data), '')::bytea as user_data,
    coalesce((select c.email from users c where c.id = d.created_by), '')::text as creator_email,
    coalesce((select c.name from users c where c.id = d.created_by), '')::text as creator_name
from devices d
join sites s on s.id = d.site
join plans p on p.id = d.plan
join operating_systems o on o.id = d.operating_system
left join machines m on m.device = d.id
where d.id = any(@ids::text[]) and d.state <> 'deleted';

-- name: FindDevices :many
-- Which devices a list has, a page at a time, with how many there are in all.
select d.id, count(*) over () as total
from devices d
where d.project = any(array(select id from projects where organization = @organization::text) || @project::text) and d.state <> 'deleted'
  and (@batch::text = '' or d.batch = @batch)
  and (@hostname::text = '' or d.hostname = @hostname)
  and (@tag::text = '' or @tag = any(d.tags))
  and (@state::text = '' or d.state = @state)
  and (not @by_site::bool or d.site = any(@sites::text[]))
  and (not @by_reserved::bool or (d.hardware_reservation is not null) = @reserved::bool)
  and (not @by_termination::bool or (d.terminate_at is not null) = @has_termination::bool)
  and (@mac::text = '' or exists (select from machines m join nics n on n.machine = m.id where m.device = d.id and n.mac::text = @mac))
  and (@search::text = '' or strpos(lower(concat_ws(' ', d.hostname, d.description, d.plan, d.site, d.operating_system, array_to_string(d.tags, ' '))), lower(@search)) > 0
       or d.id like @search || '%'
       or exists (select from pieces x where x.device = d.id and host(x.prefix) = @search)
       or exists (select from pieces x where x.device = d.id and host(set_masklen(x.first, 32) + 1) = @search and family(x.prefix) = 4))
order by
    case when @sort::text = 'hostname' and not @descending::bool then d.hostname end,
    case when @sort = 'hostname' and @descending then d.hostname end desc,
    case when @sort = 'updated_at' and not @descending then d.changed_at end,
    case when @sort = 'updated_at' and @descending then d.changed_at end desc,
    case when @descending then d.created_at end desc,
    d.created_at, d.id
limit @most offset @skip;

-- name: AddressesOfDevices :many
select x.prefix, x.device::text as device, x.taken_at::timestamptz as taken_at, b.role, b.purpose, b.prefix as block,
    coalesce(r.id, '')::text as reservation, (b.site is null)::bool as anycast,
    coalesce(n.details, '')::text as details, coalesce(n.tags, '{}')::text[] as tags, coalesce(n.custom_data, '{}')::jsonb as custom_data
from pieces x
join blocks b on b.prefix = x.block
left join reservations r on r.prefix = b.prefix and r.state = 'created' and b.purpose = 'reservation'
left join address_notes n on n.prefix = x.prefix and n.taken_at = x.taken_at
where x.device = any(@devices::text[])
order by x.device, family(x.prefix), b.role desc, x.first;

-- name: LockRoom :exec
-- One caller at a time takes machines of a plan at a site: two that count at
-- once would each find the last one.
select pg_advisory_xact_lock(hashtextextended('millwright room ' || @site::text || ' ' || @plan::text, 0));

-- name: RoomAt :many
-- How many machines of a plan are there for whoever asks next, by site: idle,
-- nobody's in particular, and not waited for by a device that is queued.
select s.id as site, s.metro,
    (select count(*) from machines m where m.site = s.id and m.plan = @plan and m.state = 'idle' and m.reservation is null)
    - (select count(*) from devices d where d.site = s.id and d.plan = @plan and d.state = 'queued' and d.hardware_reservation is null) as free
from sites s order by s.id;

-- name: DescribeDevice :exec
-- What an order does not say of its device.
update devices set description = @description, billing_cycle = @billing_cycle, locked = @locked, network_frozen = @network_frozen,
    terminate_at = sqlc.narg('terminate_at'), created_by = nullif(@created_by::text, ''), ssh_key_ids = @ssh_key_ids,
    hardware_reservation = nullif(@hardware_reservation::text, ''), batch = nullif(@batch::text, ''), links = @links
where id = @id;

-- name: ChangeDevice :exec
-- Null leaves something as it is.
update devices set
    hostname = coalesce(sqlc.narg('hostname'), hostname),
    description = coalesce(sqlc.narg('description'), description),
    tags = coalesce(sqlc.narg('tags'), tags),
    user_data = case when @with_user_data::bool then nullif(@user_data::text, '') else user_data end,
    custom_data = coalesce(sqlc.narg('custom_data'), custom_data),
    locked = coalesce(sqlc.narg('locked'), locked),
    network_frozen = coalesce(sqlc.narg('network_frozen'), network_frozen),
    always_pxe = coalesce(sqlc.narg('always_pxe'), always_pxe),
    ipxe_url = coalesce(sqlc.narg('ipxe_url'), ipxe_url),
    billing_cycle = coalesce(sqlc.narg('billing_cycle'), billing_cycle),
    terminate_at = case when @with_termination::bool then sqlc.narg('terminate_at') else terminate_at end,
    changed_at = now()
where id = @id;

-- name: OrderWas :exec
-- The device's state before its order changed it.
update orders set was = @was where id = @id;

-- name: TerminationsDue :many
-- An order that somebody gave up is not given again for the same moment.
select * from devices d
where terminate_at <= now() and state not in ('deleted', 'deprovisioning') and (not locked or held_off is distinct from terminate_at)
  and not exists (select from orders o where o.id = 'termination-' || d.id || '-' || floor(extract(epoch from d.terminate_at))::bigint)
order by terminate_at limit @most
for update skip locked;

-- name: HoldOffTermination :exec
update devices set held_off = terminate_at where id = $1;

-- name: MembersForKeys :many
-- Whose keys a project's devices may have.
select distinct m."user" from memberships m
where m.project = @project::text and m.roles && '{admin,collaborator,limited_collaborator}'
   or m.organization = (select organization from projects where id = @project::text) and m.roles && '{owner,admin,collaborator}';

-- name: KeysToChoose :many
-- Keys that may be put on a project's devices.
select id, coalesce("user", '')::text as "user", coalesce(project, '')::text as project, label, key from ssh_keys
where project = @project::text or "user" = any(@users::text[])
order by created_at, id;

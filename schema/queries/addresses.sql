-- name: InsertBlock :exec
-- Safe to repeat. A new block is one free prefix.
with block as (
    insert into blocks (prefix, site, role) values (@prefix, @site, @role)
    on conflict (prefix) do nothing returning prefix)
insert into free_prefixes (prefix, block) select prefix, prefix from block;

-- name: BlocksOf :many
select * from blocks where site = $1 and role = $2 and family(prefix) = @family::int order by prefix;

-- name: TakePrefix :one
select coalesce(take_prefix(@block, @len), '::/0')::cidr as prefix;

-- name: InsertDeviceLease :exec
insert into leases (prefix, block, device) values (@prefix, @block, @device::text);

-- name: InsertPortLease :exec
insert into leases (prefix, block, switch, port) values (@prefix, @block, @switch::text, @port::text);

-- name: LeasesOfDevice :many
select l.prefix, b.role, b.site from leases l join blocks b on b.prefix = l.block
where l.device = @device::text and l.released is null
order by family(l.prefix), b.role desc, l.prefix;

-- name: ReleaseLeases :exec
-- Into quarantine: switches and neighbours remember an address. Safe to repeat.
update leases set released = now() where device = @device::text and released is null;

-- name: ExpiredLeases :many
select prefix, block from leases where released < now() - @quarantine::interval order by prefix;

-- name: DeleteExpiredLease :execrows
delete from leases where prefix = @prefix and released < now() - @quarantine::interval;

-- name: GiveBackPrefix :exec
select give_back_prefix(@prefix, @block);

-- name: AddressUse :many
-- Addresses by block: free, held, in quarantine. IPv6 counts /127 links.
select b.prefix, b.site, b.role,
    coalesce((select sum(2.0 ^ (case family(b.prefix) when 4 then 32 else 127 end - len)) from free_prefixes f where f.block = b.prefix), 0)::float8 as free,
    coalesce((select sum(2.0 ^ (case family(b.prefix) when 4 then 32 else 127 end - masklen(l.prefix))) from leases l where l.block = b.prefix and l.released is null), 0)::float8 as held,
    coalesce((select sum(2.0 ^ (case family(b.prefix) when 4 then 32 else 127 end - masklen(l.prefix))) from leases l where l.block = b.prefix and l.released is not null), 0)::float8 as quarantined
from blocks b order by b.prefix;

-- name: FreePrefixes :many
select prefix from free_prefixes where block = $1 order by prefix;

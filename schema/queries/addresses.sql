-- name: AddBlock :exec
-- A block of free space, of an aggregate that is assumed where none is known.
select add_block(@prefix, null, nullif(@site::text, ''), @role, 'pool', null, @note);

-- name: CutBlock :one
-- 0.0.0.0/0 where the parent has no room.
select coalesce(cut_block(@parent, @len, @purpose, @project, @note), '0.0.0.0/0')::cidr as prefix;

-- name: Pools :many
-- The shared blocks of a site and role that a project may take from.
select * from blocks b
where b.site = @site::text and b.role = @role and family(b.prefix) = @family::int and b.purpose = 'pool'
  and (not exists (select from block_projects p where p.block = b.prefix)
       or exists (select from block_projects p where p.block = b.prefix and p.project = @project))
order by b.prefix;

-- name: OwnBlocks :many
-- A project's own blocks at a site, with the room that is left in each.
select b.prefix, coalesce((select sum(2.0 ^ (case family(b.prefix) when 4 then 32 else 127 end - masklen(p.prefix))) from pieces p
    where p.block = b.prefix and p.holder is null and p.released is null), 0)::float8 as free
from blocks b
where b.site = @site::text and b.role = @role and family(b.prefix) = @family::int and b.purpose = 'own' and b.project = @project::text
order by b.prefix;

-- name: LockOwnBlocks :exec
-- One caller at a time cuts a project's next block.
select pg_advisory_xact_lock(hashtextextended('millwright own ' || @project::text || ' ' || @site::text || ' ' || @role::text || @family::int, 0));

-- name: TakePrefixes :many
select t.at::int as at, t.got::cidr as prefix from take_prefixes(@block, @len, @holders::text[], @asks::text[]) t;

-- name: LongestFree :one
select coalesce((select prefix from pieces where block = @block::cidr and holder is null and released is null
    order by masklen(prefix), first limit 1), '0.0.0.0/0')::cidr as prefix;

-- name: LeasesOfDevice :many
select p.prefix, b.role, coalesce(b.site, '')::text as site, b.purpose from pieces p join blocks b on b.prefix = p.block
where p.device = @device::text
order by family(p.prefix), b.role desc, p.prefix;

-- name: RestLeases :exec
-- Links go to rest: switches and neighbours remember an address. Safe to repeat.
update pieces p set holder = null, ask = null, taken_at = null, released = clock_timestamp()
from blocks b where b.prefix = p.block and p.device = @device::text and b.purpose <> 'reservation';

-- name: AssignedTo :many
-- What a device has of reservations, by block.
select b.prefix as block, array_agg(p.first order by p.first)::inet[] as begins
from pieces p join blocks b on b.prefix = p.block
where p.device = @device::text and b.purpose = 'reservation'
group by b.prefix order by b.prefix;

-- name: FreePieces :exec
-- Safe to repeat only for pieces that are still to be freed: whoever calls has
-- seen that in the same transaction.
select free_pieces(@block, @begins::inet[]);

-- name: LockBlock :exec
select lock_block(@block);

-- name: Rested :many
-- Blocks with pieces whose rest is over.
select distinct b.prefix
from pieces p join blocks b on b.prefix = p.block join space_rules r on r.role = b.role
where p.released < now() - r.rest
order by b.prefix;

-- name: StillRested :many
-- The same, once the block is locked.
select p.first from pieces p join blocks b on b.prefix = p.block join space_rules r on r.role = b.role
where p.block = @block::cidr and p.released < now() - r.rest
order by p.first limit @most;

-- name: LockQuota :exec
-- One caller at a time adds to what a project has: two at once would each fit.
-- A statement of its own, because a statement counts what was there before it
-- began to wait.
select pg_advisory_xact_lock(hashtextextended('millwright quota ' || @project::text, 0))
where exists (select from quotas where project = @project::text);

-- name: QuotaOf :one
-- What a project may have and has. No row: no limit.
select q.most,
    (coalesce((select sum(case b.purpose when 'reservation' then 0 else 2 ^ (32 - masklen(p.prefix)) end) from pieces p
        join blocks b on b.prefix = p.block join devices d on d.id = p.device
        where d.project = q.project and b.role = 'public' and family(p.prefix) = 4 and q.resource = 'public-ipv4'), 0)
    + coalesce((select sum(2 ^ (32 - masklen(p.prefix))) from pieces p join blocks b on b.prefix = p.block
        where p.holder = 'project/' || q.project and b.role = 'public' and b.purpose <> 'reservation'
          and family(p.prefix) = 4 and q.resource = 'public-ipv4'), 0))::float8 as links,
    coalesce((select sum(2.0 ^ (case family(b.prefix) when 4 then 32 else 64 end - masklen(b.prefix))) from blocks b
        where b.project = q.project and b.purpose = 'reservation'
          and family(b.prefix) = case q.resource when 'reserved-ipv6' then 6 when 'reserved-ipv4' then 4 when 'public-ipv4' then 4 end), 0)::float8 as reserved,
    -- What is being deprovisioned counts until its machine is free.
    (select count(*) from devices d where d.project = q.project and d.state <> 'deleted'
        and q.resource in ('devices', 'devices/' || d.plan))::float8 as devices
from quotas q where q.project = @project and q.resource = @resource;

-- name: SetRest :exec
update space_rules set rest = @rest where role = @role;

-- name: AddressUse :many
-- Addresses by block: free, held, at rest. IPv6 counts /127 links. What is cut
-- from a block is the cut block's.
select b.prefix, coalesce(b.site, '')::text as site, b.role, b.purpose, coalesce(b.project, '')::text as project,
    coalesce(sum(u.size) filter (where u.holder is null and u.released is null), 0)::float8 as free,
    coalesce(sum(u.size) filter (where u.holder is not null), 0)::float8 as held,
    coalesce(sum(u.size) filter (where u.released is not null), 0)::float8 as quarantined
from blocks b
left join (select block, holder, released, 2.0 ^ (case family(prefix) when 4 then 32 else 127 end - masklen(prefix)) as size from pieces) u on u.block = b.prefix
group by b.prefix order by b.prefix;

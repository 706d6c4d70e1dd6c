-- What operators do with address space, and what they ask of it.

-- name: LockSpace :exec
-- One caller at a time changes what blocks and aggregates there are. Leases do
-- not wait for it.
select pg_advisory_xact_lock(hashtextextended('millwright aggregates', 0));

-- name: ListAggregates :many
select prefix, registry, status, coalesce(given::text, '')::text as given, note, assumed from aggregates order by prefix;

-- name: AggregatesNear :many
-- Those that share an address with a prefix.
select prefix, registry, status, coalesce(given::text, '')::text as given, note, assumed from aggregates
where prefix && @prefix::cidr order by prefix;

-- name: AddAggregate :exec
select add_aggregate(@prefix, @registry, @status, nullif(@given::text, '')::date, @note, false);

-- name: NameAggregate :exec
-- Says of an aggregate that was assumed, or of one that is there, what it is.
update aggregates set registry = @registry, status = @status, given = nullif(@given::text, '')::date, note = @note, assumed = false
where prefix = @prefix;

-- name: DropPiecesOf :execrows
-- Only an aggregate that is one free piece: all of it, or nothing.
delete from pieces where aggregate = @aggregate and prefix = @aggregate and block is null and holder is null and released is null;

-- name: DropAggregate :exec
delete from aggregates where prefix = @prefix;

-- name: BlocksNear :many
-- Blocks that share an address with a prefix.
select * from blocks where prefix && @prefix::cidr order by prefix;

-- name: LockBlockRow :one
select * from blocks where prefix = @prefix for no key update;

-- name: ListAllBlocks :many
select b.*, array(select p.project from block_projects p where p.block = b.prefix order by 1)::text[] as projects
from blocks b order by b.prefix;

-- name: BlockProjects :many
select project from block_projects where block = @block order by project;

-- name: BootServicesIn :many
select s.id as site, a.boot::inet as boot from sites s, unnest(s.boot) a (boot) where a.boot <<= @prefix::cidr order by 1, 2;

-- name: AnycastPools :many
select * from blocks b
where b.role = 'anycast' and family(b.prefix) = @family::int and b.purpose = 'pool'
  and (not exists (select from block_projects p where p.block = b.prefix)
       or exists (select from block_projects p where p.block = b.prefix and p.project = @project))
order by b.prefix;

-- name: FreeInAggregate :one
-- Where a block of a length fits best into what no block has of an aggregate.
select prefix from pieces
where aggregate = @aggregate and block is null and holder is null and released is null and masklen(prefix) <= @len::int
order by masklen(prefix) desc, first limit 1 for no key update;

-- name: LongestInAggregate :one
select coalesce((select prefix from pieces where aggregate = @aggregate and block is null
    order by masklen(prefix), first limit 1), '0.0.0.0/0')::cidr as prefix;

-- name: PlaceBlock :exec
select add_block(@prefix, sqlc.narg('parent')::cidr, nullif(@site::text, ''), @role, @purpose, nullif(@project::text, ''), @note);

-- name: DateBlock :exec
update blocks set made_at = @made_at where prefix = @prefix;

-- name: NoteBlock :execrows
update blocks set note = @note where prefix = @prefix;

-- name: SetRoleOfBlock :exec
update blocks set role = @role, site = nullif(@site::text, '') where prefix = @prefix;

-- name: AllowProjects :exec
insert into block_projects (block, project) select @block, unnest(@projects::text[]) on conflict do nothing;

-- name: DenyProjects :exec
delete from block_projects where block = @block and project = any(@projects::text[]);

-- name: UsedWithin :many
-- What is held or rests within a prefix, lowest first.
select p.*, coalesce(p.released + r.rest, 'epoch')::timestamptz as freed_at
from pieces p left join blocks b on b.prefix = p.block left join space_rules r on r.role = b.role
where p.first >= first_of(@prefix::cidr) and p.first <= set_masklen(broadcast(@prefix::cidr), masklen(first_of(@prefix::cidr)))
  and (p.holder is not null or p.released is not null)
order by p.first limit @most;

-- name: HeldWithin :many
-- Who holds anything within a prefix, or around it.
(select p.prefix, p.holder::text as holder from pieces p
where p.first >= first_of(@prefix::cidr) and p.first <= set_masklen(broadcast(@prefix::cidr), masklen(first_of(@prefix::cidr)))
  and p.holder is not null order by p.first limit 1)
union all
select o.prefix, o.holder::text from (select * from pieces where first < first_of(@prefix::cidr) order by first desc limit 1) o
where o.prefix >> @prefix::cidr and o.holder is not null;

-- name: PieceOver :many
-- The piece that an address is in.
select * from (select * from pieces where first <= @address order by first desc limit 1) p where @address <<= p.prefix;

-- name: CutFrom :many
-- Blocks that were cut from a block.
select prefix, purpose, coalesce(project, '')::text as project from blocks where parent = @parent::cidr order by prefix limit @most;

-- name: ListRules :many
select role, rest from space_rules order by role;

-- name: ListQuotas :many
select * from quotas where @project::text = '' or project = @project order by project, resource;

-- name: SetQuota :exec
insert into quotas (project, resource, most) values (@project, @resource, @most)
on conflict (project, resource) do update set most = excluded.most;

-- name: DropQuota :exec
delete from quotas where project = @project and resource = @resource;

-- name: LockPieceWith :one
-- Locks the piece that an address is in; empty where no aggregate has it.
select coalesce(host(piece_at(@address)), '')::text;

-- name: PieceFrom :one
-- The piece that begins at an address. After LockPieceWith, and a statement of
-- its own: one that waited sees what was there before it did.
select p.*, coalesce(p.released + r.rest, 'epoch')::timestamptz as freed_at
from pieces p left join blocks b on b.prefix = p.block left join space_rules r on r.role = b.role
where p.first = @first;

-- name: PieceOfAsk :many
select * from pieces where holder = @holder::text and ask = @ask::text;

-- name: MergePieces :exec
-- Free buddies that were left unmerged while a lease passed by. Under the
-- block's lock.
select merge_piece(p.first) from pieces p
where p.first >= first_of(@prefix::cidr) and p.first <= set_masklen(broadcast(@prefix::cidr), masklen(first_of(@prefix::cidr)))
  and p.holder is null and p.released is null;

-- name: RestPiece :execrows
update pieces set holder = null, ask = null, taken_at = null, released = clock_timestamp()
where first = @first and holder = @holder::text;

-- name: RestingWithin :many
-- What can be set free at once, by block.
select p.block::cidr as block, array_agg(p.first order by p.first)::inet[] as begins, array_agg(p.prefix order by p.first)::cidr[] as prefixes
from pieces p
where p.first >= first_of(@prefix::cidr) and p.first <= set_masklen(broadcast(@prefix::cidr), masklen(first_of(@prefix::cidr)))
  and p.released is not null
group by p.block order by p.block;

-- name: InsertReservation :exec
insert into reservations (id, project, site, len, family, wanted, state, tags, note)
values (@id, @project, nullif(@site::text, ''), @len, @family, sqlc.narg('wanted')::cidr, 'pending', @tags, @note);

-- name: ImportReservation :exec
insert into reservations (id, project, site, len, family, prefix, state, note, asked_at, decided_at)
values (@id, @project, nullif(@site::text, ''), @len, @family, @prefix::cidr, 'created', @note, @at, @at);

-- name: LockReservation :one
select * from reservations where id = @id for update;

-- name: LockReservationAsk :exec
-- Two equal asks at once are one: the second waits and finds the first.
select pg_advisory_xact_lock(hashtextextended('millwright reservation ' || @id::text, 0));

-- name: MakeReservation :exec
update reservations set state = 'created', prefix = @prefix::cidr, decided_at = now() where id = @id and state = 'pending';

-- name: DenyReservation :exec
update reservations set state = 'denied', note = @note, decided_at = now(), ended_at = now() where id = @id and state = 'pending';

-- name: EndReservation :exec
update reservations set state = 'released', ended_at = now() where id = @id and state in ('pending', 'created');

-- name: ListReservations :many
select * from reservations
where (@project::text = '' or project = @project) and (@state::text = '' or state = @state) and (@site::text = '' or site = @site)
order by asked_at, id;

-- name: PendingUnits :one
-- What a project waits for: addresses, of IPv6 /64s.
select coalesce(sum(2.0 ^ (case family when 4 then 32 else 64 end - len)), 0)::float8 as units
from reservations where project = @project and family = @family and state = 'pending' and id <> @but;

-- name: CountPending :many
-- By site, with none where none waits; those of no site are global.
select s.id::text as site, count(r.id) as waiting
from (select id from sites union all select 'global') s
left join reservations r on coalesce(r.site, 'global') = s.id and r.state = 'pending'
group by s.id order by s.id;

-- name: DropBlockOf :exec
-- A reservation's block goes to rest whole.
select drop_block(@prefix);

-- name: WhoHas :many
-- The piece that an address is in, by one probe of an index, with all that is
-- known of it.
select p.*, coalesce(b.site, '')::text as site, coalesce(b.role, '')::text as role, coalesce(b.purpose, '')::text as purpose,
    coalesce(b.project, d.project, case when p.holder like 'project/%' then substr(p.holder, 9) end, '')::text as project,
    coalesce(d.hostname, '')::text as hostname, coalesce(d.state, '')::text as device_state, coalesce(m.id, '')::text as machine,
    coalesce(r.id, '')::text as reservation, coalesce(p.released + s.rest, 'epoch')::timestamptz as freed_at
from (select * from pieces where first <= @address order by first desc limit 1) p
left join blocks b on b.prefix = p.block
left join space_rules s on s.role = b.role
left join devices d on d.id = p.device
left join machines m on m.device = p.device
left join reservations r on r.prefix = p.block and r.state = 'created'
where @address <<= p.prefix;

-- name: WhoHad :many
-- Who had an address at a moment that is over. Prefixes are all that could
-- contain the address: an index finds equals, and no containers.
select * from tenures
where prefix = any(@prefixes::cidr[]) and since <= @at and until > @at
order by masklen(prefix) desc;

-- name: ReservedAt :many
-- Whose reservation an address was in at a moment.
select * from reservations
where prefix = any(@prefixes::cidr[]) and decided_at <= @at and coalesce(ended_at, 'infinity') > @at
order by masklen(prefix) desc;

-- name: LastTenure :many
-- Who had an address last, before a moment.
select * from tenures where prefix = any(@prefixes::cidr[]) and until <= @at order by until desc limit 1;

-- name: HeldByHolder :many
select p.prefix, p.block::cidr as block, p.holder::text as holder, p.ask::text as ask, p.taken_at::timestamptz as taken_at,
    coalesce(b.site, '')::text as site, b.role, b.purpose, coalesce(b.project, d.project, '')::text as project
from pieces p join blocks b on b.prefix = p.block left join devices d on d.id = p.device
where p.holder = @holder::text order by p.first;

-- name: HeldByProject :many
-- All that a project's devices hold, and the project itself.
select p.prefix, p.block::cidr as block, p.holder::text as holder, p.ask::text as ask, p.taken_at::timestamptz as taken_at,
    coalesce(b.site, '')::text as site, b.role, b.purpose, @project::text as project
from pieces p join blocks b on b.prefix = p.block
where p.holder = 'project/' || @project::text
   or p.device in (select id from devices where project = @project::text and state <> 'deleted')
order by p.first;

-- name: BlocksOfProject :many
select b.*, coalesce(r.id, '')::text as reservation from blocks b
left join reservations r on r.prefix = b.prefix and r.state = 'created'
where b.project = @project::text order by b.prefix;

-- name: Tenures :many
-- Holdings that are over, the newest first.
select * from tenures
where (@holder::text = '' or holder = @holder) and (@project::text = '' or project = @project)
  and (cardinality(@prefixes::cidr[]) = 0 or prefix = any(@prefixes))
order by until desc, id desc limit @most;

-- name: FreeParts :many
-- What is free or rests, by block and length: there are few of them, and what
-- is neither is held.
select coalesce(block, '0.0.0.0/0')::cidr as block, aggregate, masklen(prefix) as len, (released is not null)::bool as resting,
    count(*) as n, min(prefix)::cidr as lowest
from pieces where holder is null and released is null group by 1, 2, 3, 4
union all
select coalesce(block, '0.0.0.0/0')::cidr, aggregate, masklen(prefix), true, count(*), min(prefix)::cidr
from pieces where released is not null group by 1, 2, 3;

-- name: Growth :many
-- What was taken since a moment and is held still; and, negative, what was held
-- then and is not now.
select coalesce(block, '0.0.0.0/0')::cidr as block, masklen(prefix) as len, count(*) as n from pieces where taken_at > @since::timestamptz group by 1, 2
union all
select block, masklen(prefix), -count(*) from tenures where until > @since and since <= @since group by 1, 2;

-- name: ReservedSince :many
-- Reservations that have ended since a moment before which they were made.
select r.prefix::cidr as prefix, coalesce(r.site, '')::text as site from reservations r
where r.ended_at > @since and r.decided_at <= @since and r.prefix is not null;

-- name: PoolUseOfProjects :many
-- What projects hold of pools, by family and length: all of it, and what they
-- have taken since a moment.
select coalesce(d.project, substr(p.holder, 9))::text as project, family(p.prefix) as family, masklen(p.prefix) as len,
    count(*) as n, count(*) filter (where p.taken_at > @since::timestamptz) as lately
from pieces p join blocks b on b.prefix = p.block and b.purpose = 'pool' left join devices d on d.id = p.device
where d.id is not null or p.holder like 'project/%'
group by 1, 2, 3 order by 1, 2, 3;

-- name: LostByProjects :many
-- What projects held at a moment and do not hold now, by family and length.
select project::text as project, family(prefix) as family, masklen(prefix) as len, count(*) as n from tenures
where until > @since and since <= @since and project is not null group by 1, 2, 3;

-- name: SpaceUsed :many
-- What of a prefix is held or rests, for a snapshot of it.
select p.*, coalesce(d.project, '')::text as project, coalesce(p.released + r.rest, 'epoch')::timestamptz as freed_at
from pieces p left join devices d on d.id = p.device
left join blocks b on b.prefix = p.block left join space_rules r on r.role = b.role
where (@everything::bool or p.first >= first_of(@prefix::cidr) and p.first <= set_masklen(broadcast(@prefix::cidr), masklen(first_of(@prefix::cidr))))
  and (p.holder is not null or p.released is not null)
order by p.first;

-- name: KnownDevices :many
select id, project from devices where id = any(@ids::text[]);

-- name: KnownSites :many
select id from sites;

-- name: ImportPieces :exec
-- Leases and rests that were known elsewhere. Whoever calls has compared them
-- with what is there; what is not free any more is refused. They come in the
-- order of their addresses, as pieces are locked.
select import_piece(w.prefix, nullif(w.holder, ''), nullif(w.ask, ''), nullif(w.since, '0001-01-01Z'), nullif(w.until, '0001-01-01Z'))
from (select unnest(@prefixes::cidr[]) as prefix, unnest(@holders::text[]) as holder, unnest(@asks::text[]) as ask,
    unnest(@since::timestamptz[]) as since, unnest(@until::timestamptz[]) as until) w;

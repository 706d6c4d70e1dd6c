-- name: CreatedReservation :one
select * from reservations where id = $1 and state = 'created';

-- name: PieceAt :one
-- The piece that an address is in, locked.
select prefix, block, first, coalesce(holder, '')::text as holder, coalesce(device, '')::text as device, released
from pieces where first = (select piece_at(@address::inet)); -- asked once, not of each row

-- name: PiecesWithin :many
select prefix, coalesce(holder, '')::text as holder from pieces
where prefix <<= @prefix::cidr and first >= first_of(@prefix::cidr)
  and first <= set_masklen(broadcast(@prefix::cidr), masklen(first_of(@prefix::cidr)))
order by first;

-- name: SplitPiece :exec
select split_piece(@begins::inet, @wanted::cidr);

-- name: HoldPiece :exec
update pieces set holder = @holder::text, ask = @ask::text, taken_at = clock_timestamp() where prefix = @prefix and first = first_of(@prefix::cidr);

-- name: PortsCarrying :many
select switch, name, generation from ports where device = any(@devices::text[]) order by switch, name;

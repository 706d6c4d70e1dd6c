-- name: CarriedBy :many
-- What a switch's ports carry as far as it has read back.
select name, coalesce(device, '')::text as device from ports where switch = @switch and applied = generation;

-- name: LockCounters :many
-- In the order in which everybody locks them.
select port, octets::text as octets, coalesce(device, '')::text as device from counters
where switch = @switch order by port for update;

-- name: SetCounters :many
-- The ports whose reading was taken. Not where the last reading had not ended
-- when this one began: nobody knows which of them the switch answered first.
insert into counters as c (switch, port, octets, device, read_at)
select @switch::text, t.port, cast(t.octets as numeric), nullif(t.device, ''), clock_timestamp()
from (select unnest(@ports::text[]) as port, unnest(@octets::text[]) as octets, unnest(@devices::text[]) as device) t order by t.port
on conflict (switch, port) do update set octets = excluded.octets, device = excluded.device, read_at = excluded.read_at
    where c.read_at < @began::timestamptz
returning port;

-- name: Moment :one
select clock_timestamp()::timestamptz as now;

-- name: AddTraffic :exec
-- Each device once.
insert into traffic as t (device, hour, octets)
select a.device, date_trunc('hour', usage_moment(), 'UTC'), cast(a.octets as numeric)
from (select unnest(@devices::text[]) as device, unnest(@octets::text[]) as octets) a order by a.device
on conflict (device, hour) do update set octets = t.octets + excluded.octets;

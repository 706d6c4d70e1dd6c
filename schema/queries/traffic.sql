-- name: CarriedBy :many
-- What a switch's ports carry as far as it has read back.
select name, coalesce(device, '')::text as device from ports where switch = @switch and applied = generation;

-- name: LockCounter :one
select octets::text as octets, coalesce(device, '')::text as device, read_at from counters where switch = @switch and port = @port for update;

-- name: SetCounter :execrows
-- Nothing where the last reading had not ended when this one began: nobody
-- knows which of them the switch answered first.
insert into counters as c (switch, port, octets, device, read_at)
values (@switch, @port, cast(@octets::text as numeric), nullif(@device::text, ''), clock_timestamp())
on conflict (switch, port) do update set octets = excluded.octets, device = excluded.device, read_at = excluded.read_at
    where c.read_at < @began::timestamptz;

-- name: Moment :one
select clock_timestamp()::timestamptz as now;

-- name: AddTraffic :exec
insert into traffic as t (device, hour, octets)
values (@device, date_trunc('hour', usage_moment(), 'UTC'), cast(@octets::text as numeric))
on conflict (device, hour) do update set octets = t.octets + excluded.octets;

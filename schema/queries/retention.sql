-- What nobody asks for any more goes, some rows at a time, so that no
-- transaction is long and none holds up whoever writes. All are safe to repeat.

-- name: TakeRetention :execrows
-- The turn, where the last one was taken long enough ago.
update retention set taken_at = clock_timestamp() where taken_at < clock_timestamp() - @every::interval;

-- name: EndRetention :exec
update retention set done_at = clock_timestamp();

-- name: RetentionDone :one
select done_at from retention;

-- name: ForgetEvents :execrows
-- But for those that a delivery still names.
delete from events where id in (
    select o.id from (select e.id, e.at from events e order by e.id limit @most) o
    where o.at < now() - @older::interval and not exists (select from deliveries d where d.event = o.id));

-- name: ForgetCommits :execrows
with gone as (
    delete from commits where id in (
        select o.id from (select c.id, c.at from commits c order by c.id limit @most) o where o.at < now() - @older::interval)
    returning switch),
counted as (
    insert into forgotten as f (what, kind, n) select 'commits', switch, count(*) from gone group by switch
    on conflict (what, kind) do update set n = f.n + excluded.n)
select from gone;

-- name: ForgetBMCLogs :execrows
-- By when they were read: a BMC's clock may stand at 1970.
delete from log_entries where id in (
    select o.id from (select l.id, l.read_at from log_entries l order by l.id limit @most) o where o.read_at < now() - @older::interval);

-- name: ForgetIssues :execrows
delete from issues where id in (select id from issues where closed_at < now() - @older::interval order by closed_at limit @most);

-- name: ForgetBurnIns :execrows
-- But for each machine's last one.
delete from burn_ins b using (
    select o.machine, o.boot from burn_ins o
    where o.at < now() - @older::interval
      and exists (select from burn_ins later where later.machine = o.machine and later.boot > o.boot)
    order by o.at limit @most) old
where b.machine = old.machine and b.boot = old.boot;

-- name: ForgetOrders :execrows
-- Those that are over, but for the one that a living device came from.
with gone as (
    delete from orders where id in (
        select o.id from orders o join devices d on d.id = o.device
        where o.ended_at < now() - @older::interval and (o.action <> 'provision' or d.state = 'deleted')
        order by o.ended_at limit @most)
    returning action, state),
counted as (
    insert into forgotten as f (what, kind, n) select 'orders', action || '/' || state, count(*) from gone group by action, state
    on conflict (what, kind) do update set n = f.n + excluded.n)
select from gone;

-- name: ForgetTenures :execrows
delete from tenures where id in (select id from tenures where until < now() - @older::interval order by until limit @most);

-- name: ForgetKeys :execrows
-- Keys and sessions that opened nothing for as long as the record names them.
delete from api_keys where id in (
    select id from api_keys where least(revoked_at, expires_at) < now() - @older::interval limit @most);

-- name: ForgetInvitations :execrows
delete from invitations where id in (
    select id from invitations where least(ended_at, expires_at) < now() - @older::interval limit @most);

-- name: ForgetReports :execrows
-- One that no run has heard of stays: an alert says so.
delete from reports where id in (
    select o.id from (select r.id, r.reported_at, r.signalled_at from reports r order by r.id limit @most) o
    where o.reported_at < now() - @older::interval and o.signalled_at is not null);

-- name: TakeUserDataBack :execrows
-- From devices that are gone.
update devices set user_data = null where id in (
    select id from devices where user_data is not null and deleted_at < now() - @older::interval limit @most);

-- name: ForgetUserData :execrows
-- What no device has, and nobody has stored lately to order one with.
delete from user_data where sha256 in (
    select u.sha256 from user_data u
    where u.stored_at < now() - @older::interval and not exists (select from devices d where d.user_data = u.sha256) limit @most);

-- name: ForgetAddressNotes :execrows
-- What a tenant said of an address that it has not any more.
delete from address_notes where prefix in (
    select n.prefix from address_notes n
    where n.taken_at < now() - @older::interval and not exists (select from pieces p where p.prefix = n.prefix and p.taken_at = n.taken_at) limit @most);

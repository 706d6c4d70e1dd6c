-- Tenants' endpoints, and what is delivered to them.

-- name: InsertWebhook :exec
insert into webhooks (id, project, url, description, types, secret) values ($1, $2, $3, $4, $5, $6);

-- name: CountWebhooks :one
select count(*) from webhooks where project = $1 and deleted_at is null;

-- name: LockProjectsWebhooks :exec
-- Whoever adds one waits for whoever adds another: the limit counts them.
select pg_advisory_xact_lock(hashtextextended('millwright webhooks of ' || @project::text, 0));

-- name: ListWebhooks :many
select * from webhooks where project = @project and deleted_at is null
order by created_at, id limit @most offset @skipped;

-- name: GetWebhook :one
select * from webhooks where id = $1 and deleted_at is null;

-- name: LockWebhook :one
-- Events that become due to it at this moment do not wait.
select * from webhooks where id = $1 and deleted_at is null for no key update;

-- name: ScopeOfWebhook :one
select w.project, p.organization from webhooks w join projects p on p.id = w.project
where w.id = $1 and w.deleted_at is null and p.deleted_at is null;

-- name: ChangeWebhook :exec
update webhooks set url = @url, description = @description, types = @types, changed_at = now() where id = @id;

-- name: RotateWebhook :exec
-- The old secret signs beside the new one for a while.
update webhooks set old_secret = secret, old_until = now() + @overlap::interval, secret = @secret, changed_at = now() where id = @id;

-- name: EnableWebhook :exec
update webhooks set disabled_at = null, reason = '', failing_since = null, failures = 0, changed_at = now() where id = $1;

-- name: DisableWebhook :exec
update webhooks set disabled_at = now(), reason = @reason, changed_at = now() where id = @id;

-- name: DeleteWebhook :exec
-- Nobody needs its secrets any more.
update webhooks set deleted_at = now(), secret = '', old_secret = null, old_until = null where id = $1;

-- name: EndDeliveries :exec
update deliveries set state = 'failed', outcome = @outcome, ended_at = now() where webhook = @webhook and state = 'due';

-- name: InsertTestDelivery :exec
insert into deliveries (id, webhook) values ($1, $2);

-- name: ListDeliveries :many
-- Newest first.
select d.*, coalesce(e.type, '')::text as type from deliveries d left join events e on e.id = d.event
where d.webhook = @webhook and (@state::text = '' or d.state = @state)
order by d.made_at desc, d.id limit @most offset @skipped;

-- name: CountDeliveries :one
select count(*) from deliveries where webhook = @webhook and (@state::text = '' or state = @state);

-- name: GetDelivery :one
select d.*, coalesce(e.type, '')::text as type from deliveries d left join events e on e.id = d.event
where d.webhook = @webhook and d.id = @id;

-- name: ReplayDelivery :execrows
-- It is due again, from the first attempt on. One that is due already is tried
-- at once.
update deliveries set state = 'due', attempts = 0, ended_at = null, next_at = clock_timestamp()
where webhook = @webhook and id = @id;

-- name: NextDelivery :one
-- What is tried next, now or later; no row: nothing is.
select d.id, d.attempts, d.next_at from deliveries d join webhooks w on w.id = d.webhook
where d.webhook = $1 and d.state = 'due' and w.disabled_at is null and w.deleted_at is null
order by d.next_at, d.made_at, d.id limit 1;

-- name: PostingOf :one
-- No row: it is not due any more.
select d.id, d.webhook, d.made_at, w.project, w.url, w.secret,
    case when w.old_until > now() then w.old_secret end::bytea as old_secret,
    coalesce(e.id, 0)::bigint as event, coalesce(e.at, d.made_at)::timestamptz as at, coalesce(e.device, '')::text as device,
    coalesce(e.type, '')::text as type, coalesce(e.words, '')::text as words
from deliveries d join webhooks w on w.id = d.webhook left join events e on e.id = d.event
where d.id = $1 and d.state = 'due' and w.disabled_at is null and w.deleted_at is null;

-- name: WebhookOfDelivery :one
select webhook from deliveries where id = $1;

-- name: NoteAttempt :execrows
-- Safe to repeat: an attempt has its number, and what is not due is left alone.
update deliveries set attempts = attempts + 1, code = nullif(@code::int, 0), outcome = @outcome,
    state = @state, next_at = @next_at, ended_at = case when @state <> 'due' then now() end
where id = @id and state = 'due' and attempts = @failed_before;

-- name: NoteWebhook :one
-- How an endpoint stands after an attempt.
update webhooks set failing_since = case when @delivered::bool then null else coalesce(failing_since, @at::timestamptz) end,
    failures = case when @delivered then 0 when @given_up::bool then failures + 1 else failures end
where id = @id
returning *;

-- name: DueWebhooks :many
-- What a run should see to. It is nobody's fault when one has just begun to.
select d.webhook from deliveries d join webhooks w on w.id = d.webhook
where d.state = 'due' and d.next_at < now() - @older_than::interval and w.disabled_at is null and w.deleted_at is null
group by d.webhook order by min(d.next_at) limit @most;

-- name: ForgetDeliveries :execrows
delete from deliveries where id in (select id from deliveries where ended_at < now() - @older::interval order by ended_at limit @most);

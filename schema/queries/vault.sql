-- name: SealedCredential :one
-- What is on record of the password of a machine's BMC.
select sealed, next_sealed, rotated_at from bmc_credentials where machine = $1;

-- name: SealedEnrolment :one
select sealed from enrolments where id = $1 and sealed is not null;

-- name: PrepareCredential :one
-- Writes the next password down, unless one is written down already; gives the
-- one that stands. Safe to repeat.
insert into bmc_credentials as c (machine, next_sealed) values (@machine, @next::bytea)
on conflict (machine) do update set next_sealed = coalesce(c.next_sealed, excluded.next_sealed)
returning next_sealed::bytea as next_sealed;

-- name: PromoteCredential :execrows
-- The next password works, and drivers ask for it from here on. Safe to repeat:
-- it is the next one no more.
with set_now as (
    update bmc_credentials set sealed = next_sealed, next_sealed = null, rotated_at = now()
    where machine = @machine and next_sealed = @next::bytea
    returning machine)
update machines m set bmc = jsonb_set(m.bmc, '{credential}', to_jsonb('bmc/' || m.id))
from set_now where m.id = set_now.machine;

-- name: AbandonCredential :execrows
-- The next password does not work. Safe to repeat. A row without any other goes.
with gone as (
    delete from bmc_credentials c where c.machine = @machine and c.next_sealed = @next::bytea and c.sealed is null
    returning c.machine),
kept as (
    update bmc_credentials c set next_sealed = null
    where c.machine = @machine and c.next_sealed = @next::bytea and c.sealed is not null
    returning c.machine)
select machine from gone union all select machine from kept;

-- name: SealedRows :many
-- Everything that is sealed, under the name that it was sealed for.
select r.name::text as name, r.next::bool as next, r.sealed::bytea as sealed from (
    select 'bmc/' || machine as name, false as next, sealed from bmc_credentials
    union all select 'bmc/' || machine, true, next_sealed from bmc_credentials
    union all select 'enrolment/' || id, false, sealed from enrolments
) r
where r.sealed is not null and (r.name, r.next) > (@name::text, @next::bool)
order by r.name, r.next limit @most;

-- name: ResealCredential :execrows
-- The same password under another key. Safe to repeat.
update bmc_credentials set sealed = @becomes::bytea where machine = @machine and sealed = @was::bytea;

-- name: ResealNextCredential :execrows
-- Likewise.
update bmc_credentials set next_sealed = @becomes::bytea where machine = @machine and next_sealed = @was::bytea;

-- name: ResealEnrolment :execrows
-- Likewise.
update enrolments set sealed = @becomes::bytea where id = @id and sealed = @was::bytea;

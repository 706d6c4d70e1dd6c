-- name: InsertSignIn :exec
insert into sign_ins (state, browser, loopback, challenge, expires_at)
values (@state, @browser, @loopback, @challenge, now() + @lifetime::interval);

-- name: TakeSignIn :one
-- Once: a state that comes again is nobody's.
delete from sign_ins where state = @state
returning browser, loopback, challenge, (expires_at > now())::bool as fresh;

-- name: InsertSignInCode :exec
insert into sign_in_codes (code, challenge, "user", expires_at)
values (@code, @challenge, @member, now() + @lifetime::interval);

-- name: TakeSignInCode :one
-- Once, whatever comes of it.
delete from sign_in_codes where code = @code
returning challenge, "user", (expires_at > now())::bool as fresh;

-- name: ForgetSignIns :exec
with a as (delete from sign_ins where expires_at < now())
delete from sign_in_codes where expires_at < now();

-- name: LockAddress :exec
-- One sign-in at a time makes or adopts the user of an e-mail address.
select pg_advisory_xact_lock(hashtextextended('millwright user ' || @email::text, 0));

-- name: UserBySubject :one
select id, email, name, operator, (disabled_at is not null)::bool as disabled
from users where issuer = @issuer::text and subject = @subject::text;

-- name: UserByEmail :one
select id, email, name, operator, (disabled_at is not null)::bool as disabled, (subject is not null)::bool as bound
from users where email = @email;

-- name: BindUser :exec
update users set issuer = @issuer::text, subject = @subject::text, name = case name when '' then @name else name end
where id = @id and subject is null;

-- name: InsertSignedUser :exec
insert into users (id, email, name, issuer, subject) values (@id, @email, @name, @issuer::text, @subject::text);

-- name: InsertSession :one
-- No key for a user who was disabled meanwhile.
insert into api_keys (id, "user", description, hash, session, created_by, expires_at)
select @id, u.id, @description, @hash, true, u.id, now() + @lifetime::interval
from users u where u.id = @member and u.disabled_at is null
returning expires_at;

-- name: EndSession :execrows
-- Safe to repeat.
update api_keys set revoked_at = now() where hash = @hash and session and revoked_at is null;

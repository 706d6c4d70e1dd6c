-- name: ListChanges :many
-- The record of changes, newest first. Empty filters let everything pass.
select c.id, c.at, c.request, c.caller, coalesce(u.email, '')::text as email, c.key, c.source, c.method, c.path,
    coalesce(c.organization, '')::text as organization, coalesce(c.project, '')::text as project, c.thing, c.code, c.outcome
from changes c
left join users u on c.caller = 'user/' || u.id
where (@organization::text = '' or c.organization = @organization)
  and (@project::text = '' or c.project = @project)
  and c.at >= @since and c.at < @until
  and (@caller::text = '' or c.caller = @caller or c.caller = 'user/' || @caller or c.key = @caller or u.email = lower(@caller))
  and (@outcome::text = '' or (c.outcome = 'done') = (@outcome = 'done'))
order by c.id desc limit @most offset @skip;

-- name: CountChanges :one
select count(*)
from changes c
left join users u on c.caller = 'user/' || u.id
where (@organization::text = '' or c.organization = @organization)
  and (@project::text = '' or c.project = @project)
  and c.at >= @since and c.at < @until
  and (@caller::text = '' or c.caller = @caller or c.caller = 'user/' || @caller or c.key = @caller or u.email = lower(@caller))
  and (@outcome::text = '' or (c.outcome = 'done') = (@outcome = 'done'));

-- name: ForgetChanges :execrows
-- Some at a time, so that no transaction is long. Safe to repeat.
delete from changes where id in (select id from changes where at < now() - @older::interval order by at limit @most);

-- name: ForgetRepeats :execrows
-- What nobody repeats any more. Safe to repeat.
delete from repeats where (caller, key) in (select caller, key from repeats where at < now() - @older::interval order by at limit @most);

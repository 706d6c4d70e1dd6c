-- Events as the API tells them.

-- name: InsertEvent :exec
-- A step of a provision is one only while the device is being provisioned:
-- other runs go through the same steps, and tell operators alone. A report that
-- a job failed is not the end of the device: its run tries again.
with whose as (
    select coalesce(nullif(@project::text, ''), d.project) as project, case
        when @type::text like 'provisioning.%' and d.state not in ('queued', 'provisioning', 'reinstalling') then null
        when @type = 'instance.failed' and d.state <> 'failed' then null
        else nullif(@type, '') end as type
    from (select) one left join devices d on d.id = @device::text
)
insert into events (device, machine, kind, body, project, type, words)
select nullif(@device::text, ''), nullif(@machine::text, ''), @kind, @body, w.project,
    case when w.project is null then null else w.type end,
    case when w.project is null or w.type is null then null else @words::text end
from whose w;

-- name: ScopeOfEvent :one
-- Whose an event is. That of the installation itself, and of a project that is
-- gone, is nobody's.
select coalesce(e.project, '')::text as project, coalesce(p.organization, '')::text as organization
from events e left join projects p on p.id = e.project
where e.id = @id and p.deleted_at is null;

-- name: GetEvent :one
select id, at, coalesce(project, '')::text as project, coalesce(device, '')::text as device, kind, body,
    coalesce(type, '')::text as type, coalesce(words, '')::text as words
from events where id = @id and (@operator::bool or type is not null);

-- name: EventsAboutDevice :many
-- Newest first. Types are patterns of LIKE; an operator's are of kinds, too.
select e.id, e.at, coalesce(e.project, '')::text as project, coalesce(e.device, '')::text as device, e.kind, e.body,
    coalesce(e.type, '')::text as type, coalesce(e.words, '')::text as words
from events e
where e.device = @device::text and (e.type is not null or @operator::bool)
  and (cardinality(@types::text[]) = 0 or coalesce(e.type, e.kind) like any (@types))
  and e.at >= @since
order by e.id desc limit @most::int offset @skipped::int;

-- name: CountEventsAboutDevice :one
select count(*) from events e
where e.device = @device::text and (e.type is not null or @operator::bool)
  and (cardinality(@types::text[]) = 0 or coalesce(e.type, e.kind) like any (@types))
  and e.at >= @since;

-- name: EventsInProjects :many
-- The newest of each project, and of those the newest: one look at an index for
-- each, however long the others' history is.
select e.id, e.at, coalesce(e.project, '')::text as project, coalesce(e.device, '')::text as device, e.kind, e.body,
    coalesce(e.type, '')::text as type, coalesce(e.words, '')::text as words
from unnest(@projects::text[]) wanted (project)
cross join lateral (
    select own.id, own.at, own.project, own.device, own.kind, own.body, own.type, own.words from events own
    where own.project = wanted.project and (own.type is not null or @operator::bool)
      and (cardinality(@types::text[]) = 0 or coalesce(own.type, own.kind) like any (@types))
      and own.at >= @since
    order by own.id desc limit @reach::int) e
order by e.id desc limit @most::int offset @skipped::int;

-- name: CountEventsInProjects :one
select count(*) from events e
where e.project = any (@projects::text[]) and (e.type is not null or @operator::bool)
  and (cardinality(@types::text[]) = 0 or coalesce(e.type, e.kind) like any (@types))
  and e.at >= @since;

-- name: EventsEverywhere :many
-- For operators.
select e.id, e.at, coalesce(e.project, '')::text as project, coalesce(e.device, '')::text as device, e.kind, e.body,
    coalesce(e.type, '')::text as type, coalesce(e.words, '')::text as words
from events e
where (cardinality(@types::text[]) = 0 or coalesce(e.type, e.kind) like any (@types)) and e.at >= @since
order by e.id desc limit @most::int offset @skipped::int;

-- name: CountEventsEverywhere :one
select count(*) from events e
where (cardinality(@types::text[]) = 0 or coalesce(e.type, e.kind) like any (@types)) and e.at >= @since;

-- name: ProjectsWithRole :many
-- Where a user has one of some roles. See RolesIn.
select p.id from projects p
where p.deleted_at is null and exists (
    select from memberships m
    where m."user" = @member and m.roles && @roles::text[] and (m.project = p.id
        or m.organization = p.organization and m.roles && array_remove(@roles, 'limited_collaborator')));

-- name: ProjectsOfOrganization :many
select id from projects where organization = $1 and deleted_at is null;

-- name: ProvisioningEvents :many
-- The steps of each device's last provision or reinstall.
select e.id, e.at, coalesce(e.project, '')::text as project, e.device::text as device, e.type::text as type, e.words::text as words
from unnest(@devices::text[]) wanted (device)
cross join lateral (
    select coalesce(max(o.id), 0) as began from events o
    where o.device = wanted.device and o.type in ('instance.created', 'instance.reinstall')) last
join events e on e.device = wanted.device and e.id > last.began
where e.type like 'provisioning.%'
order by e.device, e.id;

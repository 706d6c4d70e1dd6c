-- name: ListMemberships :many
-- Of an organization, or of a project alone. Search is a part of a name or an
-- address, or a user's ID.
select m.*, u.name as user_name, u.last_name, u.email
from memberships m join users u on u.id = m."user"
where (m.organization = nullif(@organization::text, '') or m.project = nullif(@project::text, ''))
  and (@search::text = '' or u.id = @search or strpos(lower(u.name || ' ' || u.last_name || ' ' || u.email), lower(@search)) > 0)
order by m.created_at, m.id limit @most offset @skip;

-- name: CountMemberships :one
select count(*)
from memberships m join users u on u.id = m."user"
where (m.organization = nullif(@organization::text, '') or m.project = nullif(@project::text, ''))
  and (@search::text = '' or u.id = @search or strpos(lower(u.name || ' ' || u.last_name || ' ' || u.email), lower(@search)) > 0);

-- name: GetMembership :one
-- With the organization that it is in, directly or by its project.
select m.id, m."user", coalesce(m.organization, p.organization)::text as organization, coalesce(m.project, '')::text as project,
    m.roles, m.created_at, m.changed_at
from memberships m
left join projects p on p.id = m.project
join organizations o on o.id = coalesce(m.organization, p.organization)
where m.id = $1 and p.deleted_at is null and o.deleted_at is null;

-- name: OtherOwners :one
-- How many owners an organization has beside a membership.
select count(*) from memberships m join users u on u.id = m."user"
where m.organization = @organization::text and 'owner' = any (m.roles) and m.id <> @besides and u.disabled_at is null;

-- name: ChangeMembership :execrows
update memberships set roles = @roles, changed_at = now() where id = @id;

-- name: DeleteMembership :execrows
delete from memberships where id = $1;

-- name: JoinOrganization :one
-- Adds roles to what a user has there. Safe to repeat.
insert into memberships (id, "user", organization, roles) values (@id, @member, @organization::text, @roles)
on conflict ("user", organization) do update
    set roles = array(select distinct r from unnest(memberships.roles || excluded.roles) r order by r), changed_at = now()
returning id;

-- name: JoinProject :one
-- Likewise.
insert into memberships (id, "user", project, roles) values (@id, @member, @project::text, @roles)
on conflict ("user", project) do update
    set roles = array(select distinct r from unnest(memberships.roles || excluded.roles) r order by r), changed_at = now()
returning id;

-- name: ListInvitations :many
-- Open ones: into an organization and all its projects, into one project, or to
-- somebody.
select i.* from invitations i join organizations o on o.id = i.organization
where i.ended_at is null and i.expires_at > now() and o.deleted_at is null
  and (i.organization = nullif(@organization::text, '') or nullif(@project::text, '') = any (i.projects) or i.email = nullif(@email::text, ''))
order by i.created_at, i.id limit @most offset @skip;

-- name: CountInvitations :one
select count(*) from invitations i join organizations o on o.id = i.organization
where i.ended_at is null and i.expires_at > now() and o.deleted_at is null
  and (i.organization = nullif(@organization::text, '') or nullif(@project::text, '') = any (i.projects) or i.email = nullif(@email::text, ''));

-- name: GetInvitation :one
select i.* from invitations i join organizations o on o.id = i.organization
where i.id = $1 and i.ended_at is null and i.expires_at > now() and o.deleted_at is null;

-- name: LockInvitation :one
select * from invitations where id = $1 and ended_at is null and expires_at > now() for update;

-- name: ScopeOfInvitation :one
-- Where an invitation leads to more than one project, it is the organization's.
select i.organization, (case cardinality(i.projects) when 1 then i.projects[1] else '' end)::text as project, coalesce(u.id, '')::text as "user"
from invitations i join organizations o on o.id = i.organization left join users u on u.email = i.email
where i.id = $1 and i.ended_at is null and i.expires_at > now() and o.deleted_at is null;

-- name: InvitedAlready :one
select exists (select from invitations where email = @email and organization = @organization and projects = @projects
    and ended_at is null and expires_at > now());

-- name: LiveProjectsAmong :many
select id from projects where organization = @organization and id = any (@ids::text[]) and deleted_at is null;

-- name: InsertInvitation :exec
insert into invitations (id, email, organization, projects, roles, message, invited_by)
values (@id, @email, @organization, @projects, @roles, @message, @invited_by);

-- name: EndInvitation :exec
update invitations set ended_at = now(), outcome = @outcome where id = @id;

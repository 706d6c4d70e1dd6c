-- Who people are, what is theirs, and what they did: users, organizations,
-- projects, roles, keys; the record of every change; the limits of a project.
--
-- A project is named by text everywhere else, and has no row here where only a
-- billing system knows it: nobody but operators reaches it through the API.

create table users (
    id         text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    email      text    not null check (email = lower(email) and email like '%_@_%'),
    name       text    not null default '', -- given names, or the whole of it
    last_name  text    not null default '',
    custom_data jsonb  not null default '{}' check (jsonb_typeof(custom_data) = 'object'),
    operator   boolean not null default false, -- of this installation: sees and does everything
    -- Who a sign-in provider says that it is; null before the first sign-in.
    issuer     text,
    subject    text,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    disabled_at timestamptz, -- its keys open nothing any more
    unique (issuer, subject),
    check ((issuer is null) = (subject is null))
);
create unique index one_user_per_address on users (email);

create table organizations (
    id          text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    name        text  not null check (name <> ''),
    description text  not null default '',
    website     text  not null default '',
    address     jsonb not null default '{}' check (jsonb_typeof(address) = 'object'), -- for bills: address, city, zip_code, country
    billing_address jsonb not null default '{}' check (jsonb_typeof(billing_address) = 'object'), -- where bills go somewhere else
    custom_data jsonb not null default '{}' check (jsonb_typeof(custom_data) = 'object'),
    created_at  timestamptz not null default now(),
    changed_at  timestamptz not null default now(),
    deleted_at  timestamptz
);

create table projects (
    id           text primary key check (id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'), -- a UUID where the API made it
    organization text  not null references organizations,
    name         text  not null check (name <> ''),
    custom_data  jsonb not null default '{}' check (jsonb_typeof(custom_data) = 'object'),
    tags         text[] not null default '{}',
    created_at   timestamptz not null default now(),
    changed_at   timestamptz not null default now(),
    deleted_at   timestamptz -- nothing can be ordered in it any more
);
create index on projects (organization) where deleted_at is null;

-- What somebody may do, and where: in an organization and all its projects, or
-- in one project. internal/access says what each role may.
create table memberships (
    id           text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    "user"       text not null references users,
    organization text references organizations,
    project      text references projects,
    roles        text[] not null check (cardinality(roles) > 0
        and roles <@ array['owner', 'admin', 'collaborator', 'limited_collaborator', 'billing']),
    created_at   timestamptz not null default now(),
    changed_at   timestamptz not null default now(),
    check (num_nonnulls(organization, project) = 1),
    check (project is null or not 'owner' = any (roles)), -- organizations have owners
    unique ("user", organization),
    unique ("user", project)
);
create index on memberships (organization);
create index on memberships (project);

create table invitations (
    id           text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    email        text not null check (email = lower(email)),
    organization text not null references organizations,
    projects     text[] not null default '{}', -- empty: the organization itself
    roles        text[] not null check (cardinality(roles) > 0
        and roles <@ array['admin', 'collaborator', 'limited_collaborator', 'billing']),
    message      text not null default '',
    invited_by   text not null references users,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null default now() + interval '14 days',
    ended_at     timestamptz, -- accepted, declined or withdrawn
    outcome      text not null default '' check (outcome in ('', 'accepted', 'declined', 'withdrawn')),
    check ((ended_at is null) = (outcome = ''))
);
create index on invitations (email) where ended_at is null;
create index on invitations (organization) where ended_at is null;

-- What opens the door. The key itself is shown once and kept nowhere.
create table api_keys (
    id          text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    "user"      text references users,
    project     text references projects,
    description text    not null default '',
    hash        bytea   not null unique check (length(hash) = 32), -- SHA-256: keys are random, so that nothing slower is needed
    read_only   boolean not null default false,
    session     boolean not null default false, -- made by a sign-in, not by hand
    created_by  text references users,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz,
    revoked_at  timestamptz,
    used_at     timestamptz, -- to the minute
    check (num_nonnulls("user", project) = 1),
    check (not session or expires_at is not null)
);
create index on api_keys ("user");
create index on api_keys (project);

create table ssh_keys (
    id          text primary key check (id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    "user"      text references users,
    project     text references projects,
    label       text not null check (label <> ''),
    key         text not null check (key <> ''),
    fingerprint text not null, -- MD5, as clients compare it
    tags        text[] not null default '{}',
    created_at  timestamptz not null default now(),
    changed_at  timestamptz not null default now(),
    check (num_nonnulls("user", project) = 1),
    unique ("user", fingerprint),
    unique (project, fingerprint)
);

-- Every change that somebody asked for through the API, done or refused. A
-- change that was done has its row in its own transaction.
create table changes (
    id           bigint generated always as identity primary key,
    at           timestamptz not null default clock_timestamp(),
    request      text not null, -- X-Request-Id of the answer
    caller       text not null, -- user/<id>, project-key/<id>; empty: nobody we know
    key          text not null default '', -- which of its keys
    source       text not null default '', -- address that it came from
    method       text not null,
    path         text not null,
    organization text,
    project      text,
    thing        text not null default '', -- what was made or changed, as a path
    code         int  not null,
    outcome      text not null -- "done", or why not
);
create index on changes (organization, id);
create index on changes (project, id);
create index on changes (at);

-- Requests that were done, by the key that their caller gave them: a repeat
-- finds the first one's outcome.
create table repeats (
    caller text  not null,
    key    text  not null check (length(key) between 1 and 255),
    digest bytea not null, -- of method, path and body: a repeat must say the same
    code   int   not null,
    thing  text  not null, -- path of what it made; empty where it made nothing to look at
    at     timestamptz not null default now(),
    primary key (caller, key)
);
create index on repeats (at);

-- Quotas of devices, in all ("devices") and by plan ("devices/c1.small").
alter table quotas drop constraint quotas_resource_check;
alter table quotas add check (resource in ('public-ipv4', 'reserved-ipv4', 'reserved-ipv6')
    or resource ~ '^devices(/[a-z0-9][a-z0-9._-]*)?$');

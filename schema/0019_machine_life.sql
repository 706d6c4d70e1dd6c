-- The life of a machine: how it comes in, what is expected of it, what is the
-- matter with it, what its BMC says, and how it leaves.

alter table plans
    add column fitness jsonb not null default '{}' check (jsonb_typeof(fitness) = 'object'), -- metal.Fitness, beside hardware
    add column spares  int   not null default 0 check (spares >= 0), -- idle machines that a site should have, at least
    add column watts   int   not null default 300 check (watts > 0); -- of a machine that is on; what a warm one is reckoned with

alter table sites
    add column power_budget int check (power_budget > 0); -- watts; no machine is warmed above it

-- Who may come from where. Whatever the code does, a machine moves so or not at all.
create table machine_moves (
    was     text not null,
    becomes text not null,
    means   text not null,
    primary key (was, becomes)
);
insert into machine_moves (was, becomes, means) values
    ('enrolled',    'claimed',     'a run proves it, or erases it before it leaves'),
    ('enrolled',    'idle',        'a person vouches for it'),
    ('enrolled',    'quarantined', 'it is not what it should be'),
    ('enrolled',    'maintenance', 'a person takes it'),
    ('idle',        'claimed',     'a device gets it, or a run of its own'),
    ('idle',        'quarantined', 'a patrol or a person found something'),
    ('idle',        'maintenance', 'a person takes it'),
    ('claimed',     'occupied',    'the device lives on it'),
    ('claimed',     'idle',        'erased with proof, and as its plan says'),
    ('claimed',     'quarantined', 'a run could not do, or not prove, what it had to'),
    ('claimed',     'enrolled',    'the run that should prove it was cancelled'),
    ('claimed',     'maintenance', 'a run looked at it while a person had it'),
    ('claimed',     'retired',     'erased with proof, and gone'),
    ('occupied',    'claimed',     'a run on the device begins'),
    ('quarantined', 'idle',        'a person vouches for it'),
    ('quarantined', 'claimed',     'a run proves it again, retires it, or takes its device apart'),
    ('quarantined', 'maintenance', 'a person takes it'),
    ('maintenance', 'enrolled',    'the person is done: it is to be proven again'),
    ('maintenance', 'claimed',     'a run looks at it, or retires it'),
    ('maintenance', 'quarantined', 'its date has passed, or something was found'),
    ('retired',     'enrolled',    'it comes back');

alter table machines
    add column filed      boolean not null default true, -- stands in its site's file; what was enrolled does not
    add column serial     text    not null default '', -- of the system, as it was first found
    add column health     text    not null default 'unknown' check (health in ('unknown', 'ok', 'degraded', 'failing')),
    add column proven_at  timestamptz, -- when it was last found to be what its plan says
    add column note       text    not null default '', -- of maintenance: who has it, and why
    add column until      timestamptz, -- of maintenance: when it should be over
    add column errand     text    not null default '', -- what the run that holds it is for, where no device lives on it
    add column was        text    not null default '', -- state before that run claimed it
    add column was_reason text    not null default '', -- and why it was in quarantine then
    add column aside_run  text    not null default '', -- the run that put it into quarantine
    add column aside_boot bigint  not null default 0,  -- and the boot at the time: its console is evidence
    drop constraint machines_state_check,
    add constraint machines_state_check check (state in ('enrolled', 'idle', 'claimed', 'occupied', 'quarantined', 'maintenance', 'retired')),
    add constraint maintenance_has_an_end_and_a_reason check (state <> 'maintenance' or until is not null and note <> ''),
    add constraint retired_without_data check (state <> 'retired' or not dirty and device is null),
    add constraint failing_is_not_idle check (state <> 'idle' or health <> 'failing');
create index on machines (serial) where serial <> '';

create function move_machine() returns trigger
language plpgsql as $$
begin
    if not exists (select from machine_moves where was = old.state and becomes = new.state) then
        raise exception 'machine %: from % it cannot become %', new.id, old.state, new.state using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger move_machine before update of state on machines
    for each row when (old.state <> new.state) execute function move_machine();

-- What is the matter with a machine: a finding, from when a look first found it
-- until the same look does not find it any more.
create table issues (
    id        bigint generated always as identity primary key,
    machine   text not null references machines,
    look      text not null check (look in ('enrol', 'bmc', 'compare', 'burn-in', 'patrol', 'person')),
    kind      text not null check (kind <> ''),
    part      text not null default '',
    severity  text not null check (severity in ('note', 'degraded', 'failing')),
    blocks    boolean not null, -- keeps the machine from becoming idle by itself
    detail    text not null,
    opened_at timestamptz not null default now(),
    seen_at   timestamptz not null default now(),
    closed_at timestamptz,
    closed_by text not null default '', -- a person's word, where no look closed it
    check (closed_at is null or closed_at >= opened_at)
);
create unique index one_open_issue on issues (machine, look, kind, part) where closed_at is null;
create index on issues (kind, severity) where closed_at is null;
create index on issues (machine, id);

-- What a patrol last read of each machine.
create table readings (
    machine  text primary key references machines,
    at       timestamptz not null,
    power    text not null default '',
    watts    real,
    body     jsonb not null check (pg_column_size(body) <= 262144), -- metal.Reading without its log
    log_mark text  not null default '', -- where the BMC's log was read to
    tried_at timestamptz not null default now(), -- the last visit, answered or not
    failed   int  not null default 0, -- visits without an answer, in a row
    error    text not null default ''
);
create index on readings (tried_at);

-- Entries of BMCs' system event logs, each kept once.
create table log_entries (
    id       bigint generated always as identity primary key,
    machine  text not null references machines,
    entry    text not null, -- the BMC's own ID: counts again from the start once the log was cleared
    at       timestamptz,   -- by the BMC's clock
    severity text not null check (severity in ('note', 'degraded', 'failing')),
    sensor   text not null default '',
    message  text not null,
    read_at  timestamptz not null default now()
);
create unique index kept_once on log_entries (machine, entry, coalesce(at, 'epoch'), md5(message));
create index on log_entries (machine, id);

-- What the governor knows of each BMC, and whose turn it is: one conversation
-- at a time, for all processes.
create table bmc_records (
    machine     text primary key references machines,
    holder      text not null default '', -- the process that has the turn
    held_until  timestamptz not null default 'epoch', -- when it is anybody's again
    protocol    text not null default '', -- that works; empty: as declared
    protocol_at timestamptz, -- since when it is another than the declared one
    used_at     timestamptz, -- the last command, of whichever process
    gap         interval not null default '0', -- least time between two commands; 0: the usual one
    score       real not null default 0 check (score between 0 and 1), -- share of conversations that failed, of late
    failures    int  not null default 0, -- in a row
    rests_until timestamptz,
    last_error  text not null default '',
    last_ok     timestamptz,
    reset_at    timestamptz, -- its last cold reset
    changed_at  timestamptz not null default now()
);

-- Passwords that we made, sealed with a key that is not in the database. While
-- one is being changed the BMC has either.
create table bmc_credentials (
    machine     text primary key references machines,
    sealed      bytea, -- null until the first one is set
    next_sealed bytea, -- being set
    rotated_at  timestamptz,
    check (num_nonnulls(sealed, next_sealed) > 0)
);

-- BMCs that an operator named, until they are machines.
create table enrolments (
    id         text primary key,
    site       text not null references sites,
    address    text not null,
    credential text not null default '', -- name of the first one
    sealed     bytea, -- or what it is, sealed
    machine    text not null, -- what it is to be called
    body       jsonb not null, -- metal.Enrolment: rack, unit, plan, firmware, NICs
    found      jsonb, -- metal.MachineIdentity
    made_at    timestamptz not null default now(),
    done_at    timestamptz,
    outcome    text not null default '',
    check ((credential <> '') <> (sealed is not null) or done_at is not null)
);
create unique index on enrolments (address) where done_at is null;
create unique index on enrolments (machine) where done_at is null;

-- What burn-ins found.
create table burn_ins (
    machine text   not null references machines,
    boot    bigint not null,
    body    jsonb  not null check (jsonb_typeof(body) = 'array'), -- of metal.BurnInResult
    at      timestamptz not null default now(),
    primary key (machine, boot)
);

-- Machines that no device lived on are erased too.
alter table erasures alter column device drop not null;

alter table boot_intents
    add column brief boolean not null default false, -- prove without a burn-in
    drop constraint boot_intents_job_check,
    drop constraint boot_intents_check,
    drop constraint boot_intents_check1,
    add constraint boot_intents_job_check check (job in ('none', 'install', 'erase', 'prove', 'leave', 'rescue', 'idle', 'ipxe')),
    add constraint destructive_jobs_are_of_a_run check ((job in ('install', 'erase', 'prove')) <= (run <> '')),
    add constraint only_such_are_handed_out check (handed_out is null or job in ('install', 'erase', 'prove', 'leave'));

alter table reports
    drop constraint reports_kind_check,
    add constraint reports_kind_check check (kind in (
        'agent-up', 'installed', 'erased', 'proven', 'failed', 'phone-home', 'rescued', 'no-kexec', 'script-served'));

-- What happened, for people: one sentence each, written in the transaction of
-- the change itself.

create table events (
    id      bigint generated always as identity primary key,
    at      timestamptz not null default clock_timestamp(),
    device  text references devices,
    machine text references machines,
    kind    text not null, -- "claim", "addresses", "port", "boot", "power", "agent", "image", "active", …
    body    text not null
);
create index on events (device, id);
create index on events (machine, id);

-- boot answers from memory; it is told which machine to read again.
create function tell_boot() returns trigger
language plpgsql as $$
begin
    if tg_table_name = 'machines' then
        perform pg_notify('boot', new.site || '/' || new.id);
    else
        perform pg_notify('boot', (select site from machines where id = new.machine) || '/' || new.machine);
    end if;
    return null;
end $$;
create trigger tell_boot after insert or update on machines for each row execute function tell_boot();
create trigger tell_boot after update of number, job on boot_intents for each row execute function tell_boot();

-- People who sign in: on their way to the provider and back, and on their way
-- to the command line. Nothing in here opens anything to who reads it: of what
-- a browser or a program carries, only the SHA-256 is kept.

create table sign_ins (
    state      bytea primary key check (length(state) = 32),
    browser    bytea not null check (length(browser) = 32), -- its cookie: who began ends it
    loopback   text  not null default '', -- where the command line listens; empty: a page shows the key
    challenge  text  not null default '', -- what the command line proves that it asked with
    expires_at timestamptz not null,
    check ((loopback = '') = (challenge = ''))
);
create index on sign_ins (expires_at);

-- What a browser hands to the command line, which changes it for a key once.
create table sign_in_codes (
    code       bytea primary key check (length(code) = 32),
    challenge  text not null,
    "user"     text not null references users,
    expires_at timestamptz not null
);
create index on sign_in_codes (expires_at);

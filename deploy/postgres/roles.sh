#!/bin/sh
# Creates the two roles and the three databases, on the first start. Each role
# owns its own: Temporal cannot read Millwright's rows, nor the other way.
# Passwords come from files and go in over standard input, so that none stands
# in an argument that every process can read.
set -eu
secrets=${SECRETS:-/run/secrets}

# quoted NAME prints a secret as an SQL literal.
quoted() { printf "'%s'" "$(sed "s/'/''/g" "$secrets/$1")"; }

psql --no-psqlrc --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname postgres <<SQL
set log_statement = 'none';
create role millwright login password $(quoted postgres_millwright);
create role temporal login password $(quoted postgres_temporal);
create database millwright owner millwright;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke connect on database millwright, temporal, temporal_visibility from public;
SQL

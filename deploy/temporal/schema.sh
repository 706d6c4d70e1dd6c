#!/bin/sh
# Brings Temporal's two databases to the schema of this image. Safe to repeat:
# the first step is left out where it was taken, and update-schema takes only
# what is missing.
set -eu
SQL_PASSWORD=$(cat "${SECRETS:-/run/secrets}/postgres_temporal")
export SQL_PASSWORD

for schema in temporal:temporal temporal_visibility:visibility; do
	SQL_DATABASE=${schema%:*}
	export SQL_DATABASE
	# An update needs the table that tells the version; without it there is none.
	temporal-sql-tool setup-schema --version 0.0 || echo "$SQL_DATABASE: was set up before" >&2
	temporal-sql-tool update-schema --schema-name "postgresql/v12/${schema#*:}"
done

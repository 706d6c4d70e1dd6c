package stack

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

const (
	ownDatabase         = "millwright"
	persistenceDatabase = "temporal"
	visibilityDatabase  = "temporal_visibility"
)

// ensureOwn creates the database that Millwright's own tables go into.
func ensureOwn(ctx context.Context, c *cluster) error {
	return ensure(ctx, c, ownDatabase, func() error { return nil })
}

// ensureTemporal creates Temporal's databases, or brings them up to date.
func (s *server) ensure(ctx context.Context) error {
	for database, schema := range map[string]string{persistenceDatabase: "temporal", visibilityDatabase: "visibility"} {
		err := ensure(ctx, s.postgres, database, func() error {
			return s.tool(ctx, database, "setup-schema", "-v", "0.0")
		})
		if err == nil { // each version of the schema is a step; those taken already are left out
			err = s.tool(ctx, database, "update-schema", "--schema-name", "postgresql/v12/"+schema)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tool runs temporal-sql-tool, which has the schema built in.
func (s *server) tool(ctx context.Context, database string, args ...string) error {
	password, err := s.postgres.password()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address(s.postgres.port))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "temporal-sql-tool"), args...)
	cmd.Env = []string{ // an argument could be read by every user of the machine
		"SQL_PLUGIN=postgres12_pgx", "SQL_HOST=" + host, "SQL_PORT=" + port,
		"SQL_USER=" + superuser, "SQL_PASSWORD=" + password, "SQL_DATABASE=" + database,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("temporal-sql-tool %s on database %s: %w\n%s", args[0], database, err, out)
	}
	return nil
}

// ensure creates a database and fills it, unless it is there. One whose maker
// died half-way is made anew: the comment says which are complete. (A rename
// at the end would not do, because Temporal's schema names its database.)
func ensure(ctx context.Context, c *cluster, name string, fill func() error) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var complete bool
	err = conn.QueryRow(ctx, `select exists (select from pg_database
		where datname = $1 and shobj_description(oid, 'pg_database') = 'complete')`, name).Scan(&complete)
	if err != nil || complete {
		return err
	}
	if err := statements(ctx, conn, "drop database if exists "+name, "create database "+name); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	return statements(ctx, conn, "comment on database "+name+" is 'complete'")
}

func statements(ctx context.Context, conn *pgx.Conn, all ...string) error {
	for _, sql := range all {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

package deploy

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"millwright/internal/postgres"
	"millwright/internal/stack"
	"millwright/internal/temporal"
)

// rehearsal is a first start without containers: the files that compose
// mounts, run by the programs that are in its images.
type rehearsal struct {
	host, port string // of Postgres
	secrets    string // instead of /run/secrets
	bin        string // Temporal's programs
	env        []string
}

// rehearse starts an empty Postgres with nobody in it but "postgres", and
// makes secrets as docs/deploy.md says. One password has what SQL and shells
// trip over; no space, which Temporal's tools (1.32.1) take for a plus.
func rehearse(t *testing.T) *rehearsal {
	t.Helper()
	s, err := stack.StartPostgres(t.Context(), stack.Config{NoFsync: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	at, err := url.Parse(s.DSN)
	require.NoError(t, err)
	bin, err := filepath.Abs("../bin")
	require.NoError(t, err)
	r := &rehearsal{host: at.Hostname(), port: at.Port(), secrets: t.TempDir(), bin: bin}
	superuser := rand.Text()
	r.empty(t, s.DSN, superuser)
	millwright, temporal := rand.Text(), `it's-$HOME-"quoted"-\n`
	for name, text := range map[string]string{
		"postgres_superuser": superuser, "postgres_millwright": millwright, "postgres_temporal": temporal,
		"postgres_passfile": "*:" + r.port + ":*:millwright:" + millwright,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(r.secrets, name), []byte(text+"\n"), 0o600))
	}
	r.env = []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "SECRETS=" + r.secrets,
		"POSTGRES_USER=postgres", "PGHOST=" + r.host, "PGPORT=" + r.port, "PGPASSWORD=" + superuser,
		"SQL_PLUGIN=postgres12_pgx", "SQL_HOST=" + r.host, "SQL_PORT=" + r.port, "SQL_USER=temporal",
	}
	return r
}

// empty makes the stack's Postgres look like a container's: its own role and
// database have names that we want.
func (r *rehearsal) empty(t *testing.T, dsn, password string) {
	t.Helper()
	for _, step := range []struct{ dsn, sql string }{
		{dsn, "create role postgres superuser login password '" + password + "'"},
		{r.dsn("postgres", password, "postgres"), "drop database millwright with (force)"},
		{r.dsn("postgres", password, "postgres"), "alter role millwright rename to builder"},
	} {
		conn, err := pgx.Connect(t.Context(), step.dsn)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), step.sql)
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
	}
}

func (r *rehearsal) dsn(user, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password), Host: net.JoinHostPort(r.host, r.port),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

func (r *rehearsal) run(t *testing.T, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", script)
	cmd.Env = r.env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NotContains(t, string(out), "quoted", "a password is in the log")
}

// ours is compose's connection string, with the addresses of this test.
func (r *rehearsal) ours(t *testing.T) string {
	t.Helper()
	dsn := *project(t).Services["starter"].Environment["MILLWRIGHT_POSTGRES"]
	return strings.NewReplacer("postgres:5432", net.JoinHostPort(r.host, r.port), "/run/secrets", r.secrets).Replace(dsn)
}

// low is a free address whose port fits two signed bytes: Temporal keeps its
// members' ports in such a column.
func low(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+mathrand.IntN(12000)))
		if err == nil {
			require.NoError(t, l.Close())
			return l.Addr().String()
		}
	}
}

// server is server.yaml with the addresses and folders of this test.
func (r *rehearsal) server(t *testing.T) (file, frontend string) {
	t.Helper()
	text, err := os.ReadFile("temporal/server.yaml")
	require.NoError(t, err)
	deploy, err := filepath.Abs("temporal")
	require.NoError(t, err)
	frontend = low(t)
	config := strings.NewReplacer(
		"postgres:5432", net.JoinHostPort(r.host, r.port), "/run/secrets", r.secrets, "/etc/temporal/millwright", deploy,
		"127.0.0.1:7233", frontend, "grpcPort: 7233", "grpcPort: "+frontend[len("127.0.0.1:"):],
		"0.0.0.0:9090", free(t), "bindOnIP: 0.0.0.0", "bindOnIP: 127.0.0.1",
	).Replace(string(text))
	config = regexp.MustCompile(`(membershipPort|grpcPort): (69|72)\d\d\b`).ReplaceAllStringFunc(config, func(found string) string {
		key, _, _ := strings.Cut(found, ":")
		return key + ": " + low(t)[len("127.0.0.1:"):]
	})
	file = filepath.Join(t.TempDir(), "server.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	return file, frontend
}

func TestTheFirstStartMakesDatabasesThatOurProgramsAndTemporalCanUse(t *testing.T) {
	t.Parallel()
	r := rehearse(t)
	r.run(t, "postgres/roles.sh")
	require.NoError(t, postgres.Migrate(t.Context(), r.ours(t)))
	r.run(t, "temporal/schema.sh")
	r.run(t, "temporal/schema.sh") // each upgrade runs it again

	file, frontend := r.server(t)
	log := &journal{}
	server := exec.CommandContext(context.Background(), filepath.Join(r.bin, "temporal-server"), "start")
	server.Env = append(r.env, "TEMPORAL_SERVER_CONFIG_FILE_PATH="+file, "TEMPORAL_ALLOW_NO_AUTH=true")
	server.Stdout, server.Stderr = log, log
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Log(log)
		}
	})
	cfg := temporal.Config{Address: frontend, Namespace: "millwright"}
	require.Eventually(t, func() bool {
		c, err := client.Dial(client.Options{HostPort: frontend})
		if err == nil {
			c.Close()
		}
		return err == nil
	}, patience, 200*time.Millisecond, "the server answers")
	require.NoError(t, temporal.Register(t.Context(), cfg, temporal.Every{Reconcile: time.Hour, Switches: time.Hour, Patrol: time.Hour}))
}

func TestNeitherRoleReadsTheOthersDatabase(t *testing.T) {
	t.Parallel()
	r := rehearse(t)
	r.run(t, "postgres/roles.sh")
	for role, others := range map[string][]string{"millwright": {"temporal", "temporal_visibility"}, "temporal": {"millwright"}} {
		password, err := os.ReadFile(filepath.Join(r.secrets, "postgres_"+role))
		require.NoError(t, err)
		for _, database := range others {
			_, err = pgx.Connect(t.Context(), r.dsn(role, strings.TrimSpace(string(password)), database))
			require.ErrorContains(t, err, "permission denied", fmt.Sprintf("%s in %s", role, database))
		}
	}
}

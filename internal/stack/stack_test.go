package stack_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/stack"
)

// start starts a whole stack that ends with the test at the latest.
func start(t *testing.T, cfg stack.Config) *stack.Stack {
	t.Helper()
	cfg.NoFsync = true
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := stack.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func startPostgres(t *testing.T, cfg stack.Config) *stack.Stack {
	t.Helper()
	cfg.NoFsync = true
	s, err := stack.StartPostgres(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

// exists asks the kernel for a process; signal 0 reaches nobody.
func exists(pid int) bool { return syscall.Kill(pid, 0) == nil }

func query(t *testing.T, dsn, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func TestStopLeavesNoProcessAndNoFolder(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Config{UI: true})
	pids := []int{s.Postgres.PID(), s.Temporal.PID(), s.UI.PID()}
	for _, pid := range pids {
		require.True(t, exists(pid))
	}
	answer, err := http.Get(s.UIURL)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "millwright", query(t, s.DSN, "select current_database()"))

	s.Postgres.Pause() // even a frozen part ends
	require.NoError(t, s.Stop(t.Context()))
	for _, pid := range pids {
		require.False(t, exists(pid))
	}
	require.NoDirExists(t, s.Dir)
}

func TestAStackWithoutTemporalIsAboutPostgresAlone(t *testing.T) {
	t.Parallel()
	s := startPostgres(t, stack.Config{})
	require.Nil(t, s.Temporal)
	require.Equal(t, "off", query(t, s.DSN, "show fsync"))
}

func TestPostgresComesBackWithItsDataAfterAKill(t *testing.T) {
	t.Parallel()
	s := startPostgres(t, stack.Config{})
	conn, err := pgx.Connect(t.Context(), s.DSN)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "create table kept as select 'yes' as answer")
	require.NoError(t, err)

	s.Postgres.Kill()
	require.Error(t, conn.Ping(t.Context()), "a backend survived its postmaster")
	require.Zero(t, s.Postgres.PID())
	require.NoError(t, s.Postgres.Start(t.Context()))
	require.Equal(t, "yes", query(t, s.DSN, "select answer from kept"))
}

func TestAFrozenPostgresAnswersNobodyUntilItIsResumed(t *testing.T) {
	t.Parallel()
	s := startPostgres(t, stack.Config{})
	conn, err := pgx.Connect(t.Context(), s.DSN)
	require.NoError(t, err)
	defer conn.Close(context.Background())

	s.Postgres.Pause()
	late := make(chan error, 1)
	go func() { late <- conn.Ping(context.Background()) }()
	select {
	case err := <-late:
		require.Fail(t, "a frozen Postgres answered", "%v", err)
	case <-time.After(200 * time.Millisecond):
	}
	s.Postgres.Resume()
	require.NoError(t, <-late)
}

func TestDataInAFolderOfOnesOwnOutlivesTheStack(t *testing.T) {
	t.Parallel()
	// Not t.TempDir, whose parent only its owner may enter: Postgres may run as another user.
	dir, err := os.MkdirTemp("", "millwright-kept-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711))

	first := startPostgres(t, stack.Config{Dir: dir})
	conn, err := pgx.Connect(t.Context(), first.DSN)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "create table kept as select 'yes' as answer")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, first.Stop(t.Context()))

	second := start(t, stack.Config{Dir: dir}) // and what was Postgres alone may get a Temporal
	require.Equal(t, "yes", query(t, second.DSN, "select answer from kept"))
}

func TestADeathThatNobodyAskedForIsToldWithTheLastLines(t *testing.T) {
	t.Parallel()
	s := startPostgres(t, stack.Config{})
	require.NoError(t, syscall.Kill(s.Postgres.PID(), syscall.SIGINT))
	err := s.Wait(t.Context())
	require.ErrorContains(t, err, "postgres (pid ")
	require.ErrorContains(t, err, "database system is shut down")
}

func TestAWantedPortThatIsTakenIsAnError(t *testing.T) {
	t.Parallel()
	first := startPostgres(t, stack.Config{})
	cfg, err := pgx.ParseConfig(first.DSN)
	require.NoError(t, err)
	_, err = stack.StartPostgres(t.Context(), stack.Config{PostgresPort: int(cfg.Port)})
	require.ErrorContains(t, err, "port already taken")
}

func TestProgramsThatAreNotThereAreNamed(t *testing.T) {
	t.Parallel()
	_, err := stack.Start(t.Context(), stack.Config{Bin: t.TempDir()})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "temporal-server (make tools builds it")
}

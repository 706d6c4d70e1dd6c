package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"millwright/internal/metal"
)

// temporal takes signals as told, and nothing else.
type temporal struct {
	client.Client
	err  error
	args []any
}

func (t *temporal) SignalWorkflow(_ context.Context, run, execution, name string, arg any) error {
	t.args = []any{run, execution, name, arg}
	return t.err
}

func TestASignalGoesToWhicheverRunIsOpen(t *testing.T) {
	t.Parallel()
	report := metal.Report{Machine: "m7", Boot: 1, Kind: metal.PhoneHome}
	c := &temporal{}
	require.NoError(t, runs{c}.Signal(t.Context(), "device/d1", report))
	require.Equal(t, []any{"device/d1", "", "report", report}, c.args)
}

func TestOnlyARunThatIsNotThereIsOver(t *testing.T) {
	t.Parallel()
	err := runs{&temporal{err: serviceerror.NewNotFound("workflow not found")}}.Signal(t.Context(), "device/d1", metal.Report{})
	require.ErrorIs(t, err, metal.ErrRunOver)
	for _, weather := range []error{
		serviceerror.NewUnavailable("away"), serviceerror.NewNamespaceNotFound("default"), errors.New("dial: refused"),
	} {
		err := runs{&temporal{err: weather}}.Signal(t.Context(), "device/d1", metal.Report{})
		require.ErrorIs(t, err, weather)
		require.NotErrorIs(t, err, metal.ErrRunOver)
	}
}

func TestTheServiceStartsAndStopsWithNeitherPostgresNorTemporal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cfg := opened(t, newWorld(), io.Discard).Config
	cfg.AgentFolder, cfg.ImageFolder = folder, folder
	ctx, cancel := context.WithCancel(t.Context())
	log := &journal{}
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, cfg, Backends{
			Postgres: "postgres://millwright:hunter2@127.0.0.1:1/none", TemporalAddress: "127.0.0.1:1", TemporalNamespace: "default",
		}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "listening for changes") }, patience, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	require.NotContains(t, log.String(), "hunter2")
}

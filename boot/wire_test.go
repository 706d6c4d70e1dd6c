package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/temporal"
)

func TestTheServiceStartsAndStopsWithNeitherPostgresNorTemporal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cfg := opened(t, newWorld(), io.Discard).Config
	cfg.AgentFolder, cfg.Images.Folder = folder, folder
	ctx, cancel := context.WithCancel(t.Context())
	log := &journal{}
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, cfg, Backends{
			Postgres: "postgres://millwright:hunter2@127.0.0.1:1/none",
			Temporal: temporal.Config{Address: "127.0.0.1:1", Namespace: "default"},
		}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "listening for changes") }, patience, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	require.NotContains(t, log.String(), "hunter2")
}

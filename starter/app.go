package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"

	"millwright/internal/drive"
	"millwright/internal/firstboot"
	"millwright/internal/postgres"
	"millwright/internal/temporal"
)

// app is what commands share. Backends are opened when they are first needed:
// listing devices needs no Temporal.
type app struct {
	Global
	out, errs io.Writer
	log       *slog.Logger

	store  *postgres.Store
	client client.Client
}

func (a *app) close() {
	if a.store != nil {
		a.store.Close()
	}
	if a.client != nil {
		a.client.Close()
	}
}

func (a *app) dsn() (string, error) {
	if a.Postgres == "" {
		return "", usage(errors.New("no database is given; set MILLWRIGHT_POSTGRES, or --postgres, to postgres://user:password@host/database"))
	}
	return a.Postgres, nil
}

func (a *app) database(ctx context.Context) (*postgres.Store, error) {
	if a.store != nil {
		return a.store, nil
	}
	dsn, err := a.dsn()
	if err != nil {
		return nil, err
	}
	if a.store, err = postgres.Open(ctx, dsn); err != nil {
		return nil, err
	}
	a.store.CheckUserData, a.store.CheckStorage = firstboot.CheckUserData, drive.CheckLayout
	return a.store, nil
}

func (a *app) runs(ctx context.Context) (temporal.Runs, error) {
	if a.client == nil {
		cfg := a.Temporal
		cfg.Name, cfg.Log = "starter", a.log
		c, err := temporal.Dial(ctx, cfg)
		if err != nil {
			return temporal.Runs{}, err
		}
		a.client = c
	}
	return temporal.Runs{Client: a.client}, nil
}

// askLimit is how long a person waits for Temporal before being told that it
// does not answer.
const askLimit = 5 * time.Second

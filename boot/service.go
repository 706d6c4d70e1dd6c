package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"

	"millwright/internal/erasure"
	"millwright/internal/image"
	"millwright/internal/metal"
)

// service is what all the handlers share.
type service struct {
	Config
	store   Store
	courier *courier
	view    *view
	metrics *metrics
	states  budgets
	log     *slog.Logger

	key erasure.Key

	agentFiles *os.Root
	images     image.Source
	meter      *imageMeter
	noisy      chan struct{} // holds a word for each machine that noise flows to or from
}

func newService(cfg Config, store Store, signaller Signaller, log *slog.Logger) (*service, error) {
	s := &service{Config: cfg, store: store, view: newView(), log: log, noisy: make(chan struct{}, noisy)}
	s.metrics = newMetrics(s.view.age)
	s.courier = newCourier(cfg.Site, store, signaller, s.metrics, log)
	var err error
	if s.agentFiles, err = os.OpenRoot(cfg.AgentFolder); err != nil {
		return nil, fmt.Errorf("open the folder of the agent, %q: %w", cfg.AgentFolder, err)
	}
	if s.images, err = cfg.Images.source(log); err != nil {
		return nil, err
	}
	s.meter = newImageMeter(s.metrics.registry, s.images)
	if s.key, err = erasureKey(cfg.ErasureKey); err != nil {
		return nil, err
	}
	return s, nil
}

// source is where a request comes from. The port's filter vouches for it: a
// machine cannot send from an address that is not its own.
func source(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return from.Addr().Unmap()
}

// caller is the machine that memory knows a request's address by.
func (s *service) caller(r *http.Request) (metal.BootMachine, error) {
	from := source(r)
	m, ok := s.view.ByAddress(from)
	if !ok {
		return m, fmt.Errorf("request from %s: %w", from, metal.ErrUnknownMachine)
	}
	return m, nil
}

// errAway says that Postgres did not answer in time. It is weather.
var errAway = errors.New("postgres does not answer")

// fresh is the caller as Postgres knows it now. The row must still have the
// address that the request comes from: memory may lag behind a machine that
// moved.
func (s *service) fresh(ctx context.Context, known metal.BootMachine, from netip.Addr) (metal.BootMachine, error) {
	ctx, cancel := context.WithTimeout(ctx, oneLimit)
	defer cancel()
	m, err := s.store.BootMachine(ctx, known.ID)
	switch {
	case errors.Is(err, metal.ErrUnknownMachine):
		return m, err
	case err != nil:
		return m, fmt.Errorf("read machine %s: %w: %w", known.ID, errAway, err)
	case !slices.Contains(m.Addresses, from):
		return m, fmt.Errorf("%s is no longer an address of machine %s: %w", from, m.ID, metal.ErrUnknownMachine)
	}
	return m, nil
}

// occupant is the caller as the metadata service may speak of it. What it says
// belongs to one tenant, so memory stands in for Postgres only if it cannot be
// the memory of an earlier one: the request names the boot that memory holds,
// or memory is younger than a machine takes to change hands.
func (s *service) occupant(r *http.Request) (metal.BootMachine, error) {
	known, err := s.caller(r)
	if err != nil {
		return known, err
	}
	m, err := s.fresh(r.Context(), known, source(r))
	if !errors.Is(err, errAway) {
		return m, err
	}
	if number, ok := bootNumber(r); ok && number == known.Intent.Number || s.view.age() < s.Stale {
		return known, nil
	}
	return known, err
}

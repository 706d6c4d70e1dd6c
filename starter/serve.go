package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"millwright/internal/api"
	"millwright/internal/postgres"
	"millwright/internal/webhook"
)

type serveCommand struct {
	Listen      string `default:"127.0.0.1:8080" help:"Where orders are taken. It speaks plain HTTP: put TLS in front of it before it leaves this machine."`
	AdminListen string `default:"127.0.0.1:9471" help:"Metrics and health, out of the customers' reach."`
	TokenFile   string `type:"existingfile" help:"File of bearer tokens for /v1/orders, one to a line; without it that is closed, and the customers' API has keys of its own." placeholder:"FILE"`

	MachineMetrics string `enum:"auto,on,off" default:"auto" help:"Whether each machine's watts, temperatures and fans are metrics: on, off, or auto, which is on below 2,000 machines. What is close to its critical limit, and fans that stand, are told of in any case."`

	Webhook webhook.Config `embed:"" prefix:"webhook-"`
	Door    doorFlags      `embed:""`
	TLS     tlsFlags       `embed:""`

	InsecureNoAuth bool `env:"-" help:"Ask nobody for a token at /v1/orders. Only on a loopback address."`
}

// startTries is how long an answer waits for Temporal. The order stands by
// then; reconcile starts what was not started.
const startTries = 2 * time.Second

// Run serves until it is told to stop.
func (c serveCommand) Run(ctx context.Context, a *app) error {
	tokens, err := c.tokens()
	if err := errors.Join(err, c.Door.check(), c.TLS.check()); err != nil {
		return err
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	orders := newEndpoint(store, runs, tokens, a.log)
	orders.metrics.registry.MustRegister(newMachineSeries(store, c.MachineMetrics, a.log))
	webhooks, err := webhookRules(c.Webhook)
	if err != nil {
		return err
	}
	limits := api.NewLimits(c.Door.Rate, c.Door.Burst)
	customers := api.New(api.Config{
		Store: store, Runs: metalRuns{runs}, Log: a.log, WebhookRules: webhooks, Limits: limits, Observe: orders.metrics.customers,
	})
	handler, err := c.Door.open(c.Listen, store, limits, orders.metrics, a.log, beside(customers, orders.handler()))
	if err != nil {
		return err
	}
	return c.serve(ctx, orders, handler, a)
}

// tokens are those of the old ordering endpoint. Without a file it lets nobody
// in: the customers' API has keys of its own.
func (c serveCommand) tokens() (tokens, error) {
	switch {
	case c.TokenFile != "" && c.InsecureNoAuth:
		return nil, usage(errors.New("--token-file and --insecure-no-auth contradict each other; give one"))
	case c.TokenFile != "":
		return readTokens(c.TokenFile)
	case !c.InsecureNoAuth:
		return tokens{}, nil
	}
	at, err := netip.ParseAddrPort(c.Listen)
	if err != nil || !at.Addr().IsLoopback() {
		return nil, usage(fmt.Errorf("--insecure-no-auth on %s would let the network order machines; listen on 127.0.0.1", c.Listen))
	}
	return nil, nil
}

// serve opens all sockets before it answers on any.
func (c serveCommand) serve(ctx context.Context, orders *endpoint, handler http.Handler, a *app) (err error) {
	var all sockets
	defer func() {
		if err != nil {
			all.close()
		}
	}()
	public, err := all.listen(c.Listen, "take orders", handler)
	if err != nil {
		return err
	}
	admin, err := all.listen(c.AdminListen, "serve metrics and health", orders.admin())
	if err != nil {
		return err
	}
	said, err := all.listenTLS(c.TLS, handler, a.log)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.errs, "starter: takes orders on http://%s, metrics and health on http://%s\n%s", public.Addr(), admin.Addr(), said)
	return all.serve(ctx)
}

// stopLimit covers an order under way: a transaction, and the start's tries.
const stopLimit = 15 * time.Second

func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		WriteTimeout:   2 * time.Minute, // an answer is ready within seconds; who reads it as slowly as this holds us up
		MaxHeaderBytes: 64 << 10,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		stopped <- server.Shutdown(limited)
	})
	err := server.Serve(l)
	if stop() {
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	}
	return <-stopped
}

// admin serves operators: what Prometheus scrapes, and whether orders can be
// taken at all. Temporal away is no reason to be called ill: orders are taken.
func (s *endpoint) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := s.office.store.Ping(ctx); err != nil {
			s.log.Warn("health: Postgres does not answer", "error", err)
			http.Error(w, "Postgres does not answer: no order can be taken", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}

func newEndpoint(store *postgres.Store, runs starter, tokens tokens, log *slog.Logger) *endpoint {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&stock{store: store, log: log}, newSpace(store, log), newFleet(store, log), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &endpoint{office: office{store, runs, startTries}, tokens: tokens, log: log, metrics: newMetrics(registry)}
}

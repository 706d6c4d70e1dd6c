package main

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/bmc"
	"millwright/internal/dns"
	"millwright/internal/frr"
	"millwright/internal/junos"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/secrets"
	"millwright/internal/temporal"
	"millwright/internal/vault"
	"millwright/workflows"
)

// stopLimit is how long activities may go on after a signal to stop; a cut
// one is tried again elsewhere after its heartbeat timeout.
const stopLimit = 20 * time.Second

// wire builds one Temporal worker for each queue of this process. It is the
// only place that knows which driver stands behind which interface.
func wire(cfg Config, store *postgres.Store, c client.Client, registry prometheus.Registerer, log *slog.Logger) ([]worker.Worker, *consoles, error) {
	credentials := secrets.Folder(cfg.Credentials)
	if err := credentials.Warn(log); err != nil && len(cfg.Site) > 0 {
		return nil, nil, err
	}
	passwords, err := passwords(cfg, credentials, store)
	if err != nil {
		return nil, nil, err
	}
	options, consoles := options(cfg, newCounting(registry)), newConsoles(store, registry, log)
	said := newBMCMetrics(registry)
	var parts []worker.Worker
	if cfg.Control {
		w := worker.New(c, workflows.ControlQueue, options)
		workflows.Register(w)
		w.RegisterActivity(&activities.Orders{Store: store})
		w.RegisterActivity(&activities.Fleets{Store: store})
		w.RegisterActivity(&activities.Machines{Store: store})
		w.RegisterActivity(&activities.Devices{Store: store})
		w.RegisterActivity(&activities.Boot{Store: store})
		w.RegisterActivity(&activities.Addresses{Store: store})
		w.RegisterActivity(&activities.Names{Store: store, DNS: &dns.Driver{Credentials: credentials.Get}})
		w.RegisterActivity(&activities.Lost{Store: store, Runs: temporal.Runs{Client: c}, Line: line(store, c), Keep: cfg.keep()})
		w.RegisterActivity(&activities.Spares{Store: store, Runs: temporal.Runs{Client: c}})
		w.RegisterActivity(&activities.Aside{Store: store})
		w.RegisterActivity(&activities.Doubts{Store: store})
		w.RegisterActivity(&activities.Fitness{Store: store, Judge: judge{}})
		posts, err := webhooks(cfg, w, store, c, options)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, w, posts)
	}
	all := wires{client: c, store: store, options: options, passwords: passwords, said: said, log: log}
	for _, site := range cfg.Site {
		w, bmcs := all.site(site)
		if cfg.Consoles {
			consoles.add(site, bmcs)
		}
		parts = append(parts, w)
	}
	return parts, consoles, nil
}

// wires is what every site's part hangs on.
type wires struct {
	client    client.Client
	store     *postgres.Store
	options   worker.Options
	passwords vault.Credentials
	said      *bmcMetrics
	log       *slog.Logger
}

// site is one site's part: what speaks to its switches and BMCs.
func (a wires) site(site metal.SiteID) (worker.Worker, *bmc.Driver) {
	w := worker.New(a.client, workflows.SiteQueue(site), a.options)
	drivers := switchDrivers{
		"junos": &junos.Driver{Credentials: a.passwords.Files, Log: a.log},
		"frr":   &frr.Driver{Credentials: a.passwords.Files, Log: a.log},
	}
	committer, meter := activities.NewCommitter(a.store, drivers), &activities.Meter{Store: a.store, Driver: drivers}
	committer.Meter = meter
	bmcs := a.said.watch(site, &bmc.Driver{Credentials: a.passwords.Get, Log: a.log, Ledger: postgres.Turns{Store: a.store}})
	w.RegisterActivity(&activities.Network{Store: a.store, Committer: committer})
	w.RegisterActivity(&activities.Switches{Store: a.store, Driver: drivers, Committer: committer, Meter: meter})
	w.RegisterActivity(&activities.Power{Store: a.store, BMC: bmcs})
	w.RegisterActivity(&activities.Survey{Store: a.store, Switches: drivers, BMC: bmcs})
	keepMachines(w, a.store, bmcs, a.passwords)
	return w, bmcs
}

func options(cfg Config, counting interceptor.WorkerInterceptor) worker.Options {
	o := worker.Options{
		MaxConcurrentActivityExecutionSize: cfg.Concurrency,
		MaxConcurrentActivityTaskPollers:   cfg.Pollers,
		MaxConcurrentWorkflowTaskPollers:   cfg.Pollers,
		WorkerStopTimeout:                  stopLimit,
		Interceptors:                       []interceptor.WorkerInterceptor{counting},
	}
	if cfg.BuildID != "" {
		o.DeploymentOptions = worker.DeploymentOptions{
			UseVersioning:             true,
			Version:                   worker.WorkerDeploymentVersion{DeploymentName: workflows.Deployment, BuildID: cfg.BuildID},
			DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
		}
	}
	return o
}

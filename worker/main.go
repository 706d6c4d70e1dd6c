// Command worker runs Millwright's workflows and activities.
//
// In the role control it runs workflows and database activities; in the role
// site it speaks to one site's switches and BMCs, from where their management
// network can be reached. Start more of either to scale out: Temporal hands the
// work around, and each may be killed at any moment.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"millwright/internal/metal"
	"millwright/internal/temporal"
	"millwright/internal/webhook"
)

// Config is the command line and the environment. Nothing else reads them.
type Config struct {
	Control bool           `help:"Run workflows and database activities." negatable:""`
	Site    []metal.SiteID `help:"Run device activities of these sites."`

	Postgres    string          `required:"" help:"Connection string of Millwright's database; better from the environment, as it may hold a password."`
	Temporal    temporal.Config `embed:"" prefix:"temporal-"`
	Credentials string          `type:"path" default:"/etc/millwright/credentials" help:"Folder with one file per credential: user on the first line, password on the second."`
	Keyset      string          `type:"path" placeholder:"FILE" help:"The keys that passwords of BMCs are sealed with, as starter secrets init makes them; keyset.json in the credentials folder where none is given."`

	Consoles bool `default:"true" negatable:"" help:"Keep the serial consoles of machines with a run at work, of these sites."`

	Webhook webhook.Config `embed:"" prefix:"webhook-"`

	SOSListen  string `name:"sos-listen" help:"Where tenants reach their machines' consoles over SSH, such as :22; empty: nowhere." placeholder:"HOST:PORT"`
	SOSHostKey string `name:"sos-host-key" type:"path" help:"Its private host key; sos_host_key in the credentials folder where none is given." placeholder:"FILE"`

	AuditKeep  time.Duration `default:"9600h" help:"How long it is kept who asked for what: changes through the API, orders, who had an address, keys that are over: 400 days."`
	EventsKeep time.Duration `default:"9600h" help:"How long it is kept what came of it: events, switches' commits, closed issues, BMCs' logs, burn-ins: 400 days."`
	LogsKeep   time.Duration `default:"720h" help:"How long consoles, agents' logs, reports, deliveries to webhooks, idempotency keys, and user data of devices that are gone are kept: 30 days."`

	AdminListen string     `default:"127.0.0.1:9470" help:"Metrics and health."`
	Profile     bool       `help:"Serve Go's profiles beside them, at /debug/pprof/: for whoever looks where the time goes."`
	LogLevel    slog.Level `default:"info" help:"debug, info, warn or error."`

	Concurrency int    `default:"200" help:"Activities at the same time, per queue."`
	Pollers     int    `default:"8" help:"Questions for work that are open at the same time, per queue and kind of work."`
	Garbage     int    `default:"400" help:"Memory that may be garbage, in percent of what is in use; as GOGC, which a 0 leaves alone."`
	BuildID     string `help:"Version of this worker, for pinned runs; empty runs unversioned."`
}

// keep is for how long what has happened is kept.
func (c Config) keep() metal.Keep {
	return metal.Keep{Audit: c.AuditKeep, Events: c.EventsKeep, Logs: c.LogsKeep}
}

func main() {
	var cfg Config
	kong.Parse(&cfg, kong.Name("worker"), kong.DefaultEnvars("MILLWRIGHT"),
		kong.Description("Runs Millwright's workflows (--control) and a site's device activities (--site)."))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	if err := run(ctx, cfg, log); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

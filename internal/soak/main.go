package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// Config is the command line.
type Config struct {
	Minutes  float64       `default:"30" help:"How long a month is pressed into."`
	Machines int           `default:"12" help:"Machines of the site."`
	Lives    int           `default:"30" help:"Devices that live on each machine in the month."`
	Sample   time.Duration `default:"5s" help:"Between two samples."`

	Reconcile time.Duration `default:"2s" help:"Between two reconciles."`
	Switches  time.Duration `default:"10s" help:"Between two comparisons of the switches."`
	Patrol    time.Duration `default:"5s" help:"Between two rounds through the BMCs."`

	Loose float64 `default:"1" help:"How many times the limits: a short run sees noise where a long one sees a trend."`
	Bin   string  `type:"path" help:"Folder of the programs; the module's bin/ where none is given."`
	Out   string  `type:"path" help:"File for every sample, as JSON."`
}

// errLeaks is the end of a run that found something.
var errLeaks = errors.New("something grows that should not")

func main() {
	var cfg Config
	kong.Parse(&cfg, kong.Name("soak"), kong.Description("Presses a month into some minutes, and tells what grows."))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, cfg, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// run soaks, and writes a report whose last line is one JSON object.
func run(ctx context.Context, cfg Config, out io.Writer) error {
	w, err := begin(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.end()
	fmt.Fprintf(out, "a month of %d machines with %d devices each in %g minutes\n", cfg.Machines, cfg.Lives, cfg.Minutes)
	samples, err := w.soak(ctx)
	if err != nil {
		return err
	}
	happened, err := w.happened(ctx)
	if err != nil {
		return err
	}
	judged := judgeAll(samples, cfg.Loose)
	writeReport(out, cfg, happened, judged)
	if cfg.Out != "" {
		if err := writeSamples(cfg.Out, samples, judged); err != nil {
			return err
		}
	}
	said := conclude(cfg, happened, judged)
	if err := json.NewEncoder(out).Encode(said); err != nil {
		return err
	}
	if said.Verdict != flat {
		return errLeaks
	}
	return nil
}

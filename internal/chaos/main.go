package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// options are the command line's.
type options struct {
	seeds   int
	from    uint64
	minutes float64
	noDisk  bool
	show    bool
	verbose bool
	json    string
	plan    plan
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.IntVar(&o.seeds, "seeds", 1, "how many `seeds` to run, one after the other")
	flags.Uint64Var(&o.from, "from", 1, "the first `seed`")
	flags.IntVar(&o.plan.machines, "machines", 200, "`machines` of the data centre")
	flags.Float64Var(&o.minutes, "minutes", 1.5, "`minutes` of storm of each seed")
	flags.BoolVar(&o.noDisk, "no-disk", false, "give Postgres no disk of its own, and never fill it: for where nothing can be mounted")
	flags.BoolVar(&o.show, "plan", false, "print what the seeds are, and run nothing")
	flags.BoolVar(&o.verbose, "v", false, "say what happens as it happens")
	flags.StringVar(&o.json, "json", "bin/chaos.json", "`file` that takes the report; logs of seeds with findings go beside it")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.plan.storm, o.plan.disk = time.Duration(o.minutes*float64(time.Minute)), !o.noDisk
	o.plan.log, o.plan.keep = slog.New(slog.DiscardHandler), filepath.Dir(o.json)
	if o.verbose {
		o.plan.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if o.seeds < 1 || o.plan.machines < 2 || o.plan.storm <= 0 {
		return o, errors.New("want at least one seed, two machines and some time")
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

var errBroken = errors.New("a promise was broken: see the findings above")

// run runs all seeds, and says what came of each as it comes.
func run(ctx context.Context, o options, out io.Writer) error {
	var all []*verdict
	for seed := o.from; seed < o.from+uint64(o.seeds); seed++ {
		if o.show {
			if err := show(out, seed, o.plan); err != nil {
				return err
			}
			continue
		}
		v, err := weather(ctx, seed, o.plan)
		if err != nil {
			return err
		}
		v.print(out)
		all = append(all, v)
	}
	if o.show {
		return nil
	}
	if err := file(o.json, all); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	total := sum(all)
	if err := json.NewEncoder(out).Encode(total); err != nil {
		return err
	}
	if total.broken() {
		return errBroken
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"millwright/internal/lab"
	"millwright/internal/secrets"
	"millwright/internal/sitefile"
)

type runCommand struct {
	Site        string         `required:"" type:"path" help:"The site file, as \"lab site\" prints it."`
	Credentials secrets.Folder `required:"" type:"path" help:"Folder of credentials, as the worker reads it: files of two lines, a user and a password."`
	DHCPPort    int            `name:"dhcp-port" default:"6767" help:"Where boot's DHCP listens at the site's boot addresses."`
	Post        lab.Span       `default:"0s" help:"How long a machine takes from power on to its first packet: 90s, or 60s-180s."`
	Patience    time.Duration  `default:"1s" help:"How long firmware waits for its first DHCP answer; three more tries wait twice as long each."`
	Seed        uint64         `default:"1" help:"Of everything that varies."`
	Faults      string         `type:"path" help:"File of faults from the start: a YAML or JSON list of {target, fault, times, delay}."`
	API         string         `name:"api" default:"127.64.0.1:8099" help:"Where the HTTP API listens: /machines, /bmcs, /switches, /faults. Empty is nowhere."`
	LogLevel    slog.Level     `default:"info" help:"debug shows each phase of each machine."`
}

// Run runs the data centre until ctx ends.
func (c runCommand) Run(ctx context.Context, log *slog.Logger, level *slog.LevelVar) error {
	level.Set(c.LogLevel)
	config, err := c.config(log)
	if err != nil {
		return err
	}
	log.Info("lab runs", "site", config.Site.ID, "machines", len(config.Site.Machines),
		"switches", len(config.Site.Switches), "api", c.API)
	return lab.Run(ctx, config)
}

func (c runCommand) config(log *slog.Logger) (lab.Config, error) {
	config := lab.Config{
		Credentials: c.Credentials.Get, DHCPPort: c.DHCPPort, Post: c.Post, Patience: c.Patience,
		Seed: c.Seed, API: c.API, Log: log,
	}
	names, err := c.Credentials.Names()
	if err != nil {
		return config, err
	}
	text, err := os.ReadFile(c.Site)
	if err != nil {
		return config, fmt.Errorf("read the site file: %w", err)
	}
	if config.Site, err = sitefile.Parse(text, c.Site, names); err != nil {
		return config, err
	}
	if c.Faults != "" {
		config.Faults, err = lab.ReadFaults(c.Faults)
	}
	return config, err
}

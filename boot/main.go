package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	Config   `embed:""`
	Backends `embed:""`
	LogLevel slog.Level `default:"info" help:"debug logs every request."`
}

func main() {
	var c commandLine
	kong.Parse(&c, kong.Name("boot"), kong.DefaultEnvars("MILLWRIGHT"),
		kong.Description("What a site serves to its machines: DHCP, TFTP and HTTP boot, jobs, images, metadata. Each flag can be given in the environment."))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	if err := serve(ctx, c.Config, c.Backends, logger); err != nil {
		fmt.Fprintln(os.Stderr, "boot:", err)
		os.Exit(1)
	}
}

package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the whole command line. Each command's Run finds what it needs
// among the values bound in main.
type commands struct {
	Site   siteCommand   `cmd:"" help:"Print a generated site file."`
	Images imagesCommand `cmd:"" help:"Write the images that generated site files name."`
	Demo   demoCommand   `cmd:"" help:"Show one device's life on a data centre in this machine."`
	Rack   rackCommand   `cmd:"" help:"Show a device's life on real parts: QEMU machines, ipmi_sim, an FRR switch; needs root."`
	Run    runCommand    `cmd:"" help:"Run the data centre of a site file until SIGTERM."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var c commands
	line := kong.Parse(&c, kong.Name("lab"), kong.DefaultEnvars("MILLWRIGHT_LAB"),
		kong.Description("A data centre on a laptop: switches, BMCs and machines that boot, on real sockets in 127.0.0.0/8."))
	line.BindTo(ctx, (*context.Context)(nil))
	line.BindTo(os.Stdout, (*io.Writer)(nil))
	level := new(slog.LevelVar)
	line.Bind(level, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	line.FatalIfErrorf(line.Run())
}

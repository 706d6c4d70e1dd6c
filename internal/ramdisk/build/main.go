// Command build makes the files that a machine boots to run the agent; make
// agent calls it. It must not import more than package ramdisk: what the files
// are is said there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"

	"millwright/internal/ramdisk"
)

type flags struct {
	Arch  string `enum:"amd64,arm64" default:"amd64" help:"amd64 or arm64."`
	Init  string `required:"" type:"path" help:"The agent, as a static binary of that architecture."`
	Cache string `required:"" type:"path" help:"Where packages are kept."`
	Into  string `required:"" type:"path" help:"Where the files go."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Description("Make the kernel and the initrd in which the agent runs."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := ramdisk.Build(ctx, ramdisk.Input{Arch: f.Arch, Init: f.Init, Cache: f.Cache, Into: f.Into})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"millwright/internal/agent"
	"millwright/internal/image"
	"millwright/internal/metal"
	"millwright/internal/ramsystem"
)

// flags is the command line. What is not given is read from the kernel's.
type flags struct {
	URL      string           `name:"url" help:"The boot service, such as http://10.0.0.1; millwright.url on the kernel's command line."`
	Boot     metal.BootNumber `help:"The number of this boot; millwright.boot."`
	Token    string           `help:"The token of this boot; millwright.token. Other users of the machine can read it here: prefer the kernel's command line."`
	Cmdline  string           `default:"/proc/cmdline" type:"path" help:"The kernel's command line."`
	Disk     []string         `required:"" type:"path" help:"A block device or file that is the machine's; repeat it for each. The first one gets the system, all of them are erased."`
	LogLevel slog.Level       `default:"info" help:"debug, info, warn or error."`
	Pace     paceFlags        `embed:"" prefix:"pace-"`
}

type paceFlags struct {
	Wait  time.Duration `default:"20s" help:"How long the boot service may hold a question."`
	Retry time.Duration `default:"5s" help:"The longest pause between two attempts."`
	Over  time.Duration `default:"2m" help:"How long a boot that is over is asked about before the machine is to go off."`
}

// Exit codes tell whoever started the agent, an init of a few lines, how the
// machine is to be left.
const (
	exitFailed   = 1  // wrong arguments, or a signal; nothing is said about the machine
	exitKexec    = 10 // kexec into the system on the first disk
	exitReboot   = 11 // reboot; the firmware finds the system
	exitPowerOff = 12 // power off: erased, or no longer wanted
)

var exitCodes = map[agent.Exit]int{
	agent.Kexec: exitKexec, agent.Reboot: exitReboot, agent.PowerOff: exitPowerOff,
}

const description = `Erase and install the machine that this runs on, as the boot service says.

Booted as the agent's RAM system it needs no flags: it finds its network, and takes every disk.

It retries for ever what a network can mend, and never touches a disk without a job.

Exit codes: 10 kexec into the system on the first disk, 11 reboot, 12 power off, 1 something else, with a message.`

func main() {
	ramsystem.Enter()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	if ramsystem.Inside() {
		err := inside(ctx)
		fmt.Fprintln(ramsystem.Console(), "agent:", err)
		os.Exit(exitFailed) // process 1 starts it again
	}
	var f flags
	kong.Parse(&f, kong.Name("agent"), kong.Description(description))
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: f.LogLevel}))
	exit, err := run(ctx, f, log)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(exitFailed)
	}
	os.Exit(exitCodes[exit])
}

// run is all of main that tests can call: an agent under somebody else's system,
// on the disks that it is given.
func run(ctx context.Context, f flags, log *slog.Logger) (agent.Exit, error) {
	cfg, disks, err := f.config(log)
	if err != nil {
		return "", err
	}
	disks.list = given(f.Disk)
	cfg.Inventory = disks.inventory
	return agent.Run(ctx, cfg)
}

// config is what every agent has.
func (f *flags) config(log *slog.Logger) (agent.Config, *drives, error) {
	if err := f.complete(); err != nil {
		return agent.Config{}, nil, err
	}
	url := strings.TrimSuffix(f.URL, "/")
	images, err := image.NewRemote(image.RemoteConfig{Servers: []string{url + strings.TrimSuffix(agent.PathImages, "/")}, Log: log})
	if err != nil {
		return agent.Config{}, nil, err
	}
	disks := &drives{images: images}
	cfg := agent.Config{
		URL: url, Boot: f.Boot, Token: f.Token, Client: client(), Disks: disks, Log: log,
		Pace: agent.Pace{Wait: f.Pace.Wait, Retry: f.Pace.Retry, Over: f.Pace.Over},
	}
	cfg.BurnIn = (&proof{disks: disks, cfg: cfg}).burnIn
	return cfg, disks, nil
}

// inventory is a sentence for people: what this machine seems to be.
func (d *drives) inventory(context.Context) (string, json.RawMessage) {
	words := []string{fmt.Sprintf("%d CPUs, %s", runtime.NumCPU(), runtime.GOARCH)}
	disks, err := d.list()
	if err != nil {
		words = append(words, err.Error())
	}
	for _, disk := range disks {
		words = append(words, fmt.Sprintf("%s of %d bytes", disk.Path, disk.Size))
	}
	return strings.Join(words, ", "), nil
}

// client speaks to the boot service and to nobody else: no proxy stands
// between a machine and its install link.
func client() *http.Client {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, IdleConnTimeout: time.Minute}}
}

package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"millwright/internal/temporal"
)

// Global is what every command takes.
type Global struct {
	Postgres string          `help:"Connection string of Millwright's database, postgres://user:password@host/database; better from the environment, because it holds a password." placeholder:"URL"`
	Temporal temporal.Config `embed:"" prefix:"temporal-"`
	Output   string          `short:"o" enum:"table,json" default:"table" help:"How to print: table, or json for programs."`
	LogLevel slog.Level      `default:"warn" help:"debug, info, warn or error; logs go to standard error."`
}

type commandLine struct {
	Global `embed:""`

	Migrate  migrateCommand  `cmd:"" group:"Set up" help:"Bring the database and Temporal to what this version needs. Safe to repeat."`
	Import   importCommand   `cmd:"" group:"Set up" help:"Read a site file: its blocks, plans, systems, switches and machines. Safe to repeat."`
	CA       caCommand       `cmd:"" name:"ca" group:"Set up" help:"A private certificate authority for names that clients have built in: api.equinix.com."`
	Secrets  secretsCommand  `cmd:"" group:"Set up" help:"The keys that passwords of BMCs are sealed with: make, rotate, look."`
	Restored restoredCommand `cmd:"" group:"Set up" help:"After the database was restored from a backup: nothing is touched before it was compared with switches and BMCs; and what differed."`
	Serve    serveCommand    `cmd:"" group:"Set up" help:"Serve the customers' API, the ordering endpoint for billing, and metrics."`

	Upgrade upgradeCommand `cmd:"" group:"Set up" help:"Upgrade without drama: which build of workers gets new runs, and which has ended its last one."`

	Image imageCommand `cmd:"" group:"Set up" help:"Images of systems: import what vendors publish; list, show, verify, remove."`

	Provision   provisionCommand   `cmd:"" group:"Order" help:"Order a device: a machine with an operating system, for a project."`
	Reinstall   reinstallCommand   `cmd:"" group:"Order" help:"Order another system onto a device. Its disks are erased, its addresses stay."`
	Deprovision deprovisionCommand `cmd:"" group:"Order" help:"Order a device gone. Its disks are erased, and there is no way back."`
	Power       powerCommand       `cmd:"" group:"Order" help:"Order a device on, off, or off and on again."`
	Rescue      rescueCommand      `cmd:"" group:"Order" help:"Order a device into the rescue system: SSH with its keys, disks untouched. A reboot leads back to its disk."`
	Fleet       fleetCommand       `cmd:"" group:"Order" help:"Fleets: many devices ordered as one, all or enough of them by a deadline."`
	Userdata    userdataCommand    `cmd:"" group:"Order" help:"Store user data, and print the hash by which an order names it."`

	Status       statusCommand       `cmd:"" group:"Look" help:"Show a device: its machine, port, addresses, orders, and what its run waits for."`
	List         listCommand         `cmd:"" group:"Look" help:"List devices, machines, switches, ports, blocks, orders or events."`
	Line         lineCommand         `cmd:"" group:"Look" help:"Who waits for a machine: place, since when, expected turn, until when."`
	IP           ipCommand           `cmd:"" name:"ip" group:"Look" help:"Address space: who has what, since when, and how much is left; and all that is done with it."`
	Console      consoleCommand      `cmd:"" group:"Look" help:"Print what a machine printed on its serial console, now or in an earlier boot."`
	Log          logCommand          `cmd:"" group:"Look" help:"Print what the agent on a machine logged, now or in an earlier boot."`
	Hardware     hardwareCommand     `cmd:"" group:"Look" help:"Print what a machine is made of, as its agent last read it: JSON."`
	Certificates certificatesCommand `cmd:"" group:"Look" help:"The signed certificates of the erasures of a device's disks, or of a machine's; checked before they are shown."`
	Audit        auditCommand        `cmd:"" group:"Look" help:"Who asked for which change through the API, from where, and what came of it."`
	Leaks        leaksCommand        `cmd:"" group:"Look" help:"Look for anything held for nobody. Exits 1 if there is something."`
	Usage        usageCommand        `cmd:"" group:"Look" help:"What was used in a period, for bills; and a look whether what is paid for is there."`
	Switch       switchCommand       `cmd:"" group:"Look" help:"Switches: how they stand, compared with what they should be; plan, repair, history."`
	BGP          bgpCommand          `cmd:"" name:"bgp" group:"Look" help:"Which projects and devices speak BGP, and how their sessions stand."`
	OS           osCommand           `cmd:"" name:"os" group:"Look" help:"Operating systems: which can be offered, what was proven of them, and to prove it."`
	Cancel       cancelCommand       `cmd:"" group:"Steer" help:"Ask the run of an order or a device to stop."`
	Retry        retryCommand        `cmd:"" group:"Steer" help:"Make a device's run try its failing step again at once."`
	Release      releaseCommand      `cmd:"" group:"Steer" help:"Free a machine from quarantine, on your word that it is fit."`

	HardwareReservation hardwareReservationCommand `cmd:"" name:"hardware-reservation" group:"Steer" help:"Keep machines for a project: add, list, end."`

	Machine    machineCommand    `cmd:"" group:"Machines" help:"The life of machines: how they are and why, proven, watched, taken aside and back, retired."`
	Enrol      enrolCommand      `cmd:"" group:"Machines" help:"Make machines of BMCs, from a list or a range: found, proven, idle."`
	Enrolments enrolmentsCommand `cmd:"" group:"Machines" help:"BMCs that were named to become machines, and what came of it."`

	User         userCommand         `cmd:"" group:"People" help:"Users of the API: add, list, disable."`
	Organization organizationCommand `cmd:"" group:"People" help:"Organizations of the API, and their members."`
	Project      projectCommand      `cmd:"" group:"People" help:"Projects of the API."`
	Key          keyCommand          `cmd:"" group:"People" help:"Keys of the API, of users and projects: make, list, revoke."`
	Quota        quotaCommand        `cmd:"" group:"People" help:"How much projects may have: devices in all and by plan, addresses."`
	Access       accessCommand       `cmd:"" group:"People" help:"Print who may do what to which kind of thing."`

	Login    loginCommand    `cmd:"" group:"Customer" help:"Sign in by your browser; the key that you get is kept for other commands."`
	Logout   logoutCommand   `cmd:"" group:"Customer" help:"End what login began."`
	Device   deviceCommand   `cmd:"" group:"Customer" help:"Devices, by the customers' API: order, look at, alter."`
	Address  addressCommand  `cmd:"" group:"Customer" help:"Elastic addresses: reserve, assign, release."`
	SSHKey   sshKeyCommand   `cmd:"" name:"sshkey" group:"Customer" help:"SSH keys that open your devices."`
	Plans    plansCommand    `cmd:"" group:"Customer" help:"List what hardware there is."`
	Systems  systemsCommand  `cmd:"" group:"Customer" help:"List what can be installed."`
	Metros   metrosCommand   `cmd:"" group:"Customer" help:"List where there is hardware."`
	Capacity capacityCommand `cmd:"" group:"Customer" help:"How much hardware is free, or whether there is room for so much."`
	Webhook  webhookCommand  `cmd:"" group:"Customer" help:"Have URLs of yours told what happens."`
	My       myCommand       `cmd:"" group:"Customer" help:"Your projects and organizations, what they used, and who you are."`

	Completion completionCommand `cmd:"" group:"Set up" help:"Print what makes your shell complete our commands: bash, zsh or fish."`
}

const about = `Orders bare-metal devices, and looks after them.

Begin with:

    starter migrate
    starter import site.yaml --credentials DIR
    starter provision --project acme --site lab1 --plan c1.small --os debian_12 --wait

Each flag can be given in the environment, as shown in brackets. Exit codes:
0 done, 1 not done, 2 used wrongly.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs one command and returns its exit code.
func execute(ctx context.Context, args []string, out, errs io.Writer) (code int) {
	var c commandLine
	exited := -1
	parser, err := kong.New(&c, kong.Name("starter"), kong.Description(about), kong.DefaultEnvars("MILLWRIGHT"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true}), kong.Writers(out, errs),
		kong.Exit(func(code int) { exited = code; panic(helped{}) }))
	if err != nil {
		return complain(errs, err)
	}
	defer func() {
		if exited < 0 {
			return // a panic of ours goes on its way
		}
		if _, ok := recover().(helped); ok {
			code = exited
		}
	}()
	if completed(parser) {
		return exitDone
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return complain(errs, usage(err))
	}
	a := &app{Global: c.Global, out: out, errs: errs, log: slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: c.LogLevel}))}
	defer a.close()
	chosen.BindTo(ctx, (*context.Context)(nil))
	return complain(errs, chosen.Run(a))
}

// helped unwinds the parser after it has printed its help: it expects its Exit
// not to return.
type helped struct{}

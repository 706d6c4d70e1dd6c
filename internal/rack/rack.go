package rack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"millwright/internal/metal"
	"millwright/internal/netrack"
	"millwright/internal/rig"
	"millwright/internal/sitefile"
	"millwright/internal/stack"
)

// Options say what rack is wanted.
type Options struct {
	Machines []metal.Firmware // one machine each, in this order; BIOS alone if empty
	Bin      string           // folder of the programs, with agent-files and cache in it; empty finds the module's bin/
	Warm     bool             // idle machines wait in the agent
	TCG      bool             // emulate, even where KVM is of use: so that times can be compared
	Disturb  bool             // in the reinstall boot is killed and the machine's plug pulled, while the image is written
	Limits   metal.Limits     // of the plans; generous ones where zero
	NoFsync  bool             // a power cut may lose everything: for tests
	UI       bool             // Temporal's web UI, too
	Log      *slog.Logger     // says what is started; nil says nothing
}

// Rack is a running Millwright with real parts behind it.
type Rack struct {
	*rig.Rig // stack, worker for control, store; and a lab of which nothing is wanted
	Net      *netrack.Rack
	Machines []*Machine
	Boot     *stack.Part // the rack's boot services, which can be killed and started again

	options  Options
	images   *images
	relay    *relay
	forwards []*forward
	diary    diary
	log      *slog.Logger
}

// Start runs everything and imports the site. The switch is as new: its ports
// are configured by the first run that needs one, and DHCP is relayed from then
// on. Stop it, or end the process.
func Start(ctx context.Context, o Options) (*Rack, error) {
	if len(o.Machines) == 0 {
		o.Machines = []metal.Firmware{metal.BIOS}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if !o.TCG && !accelerated(ctx) {
		o.Log.Info("machines are emulated: KVM is not here, or of no use")
		o.TCG = true
	}
	r := &Rack{options: o, log: o.Log}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (r *Rack) start(ctx context.Context) (err error) {
	o := r.options
	r.Rig, err = rig.Start(ctx, rig.Config{Bin: o.Bin, Machines: 2, Racks: 1, NoFsync: o.NoFsync, UI: o.UI, Log: o.Log})
	if err != nil {
		return err
	}
	if r.images, err = buildImages(ctx, filepath.Join(r.Stack.Bin(), "cache"), o.Log); err != nil {
		return err
	}
	if r.Net, err = netrack.Start(ctx, netrack.Options{Name: "tor-rack1", Hosts: len(o.Machines)}); err != nil {
		return err
	}
	for i, firmware := range o.Machines {
		if err := r.screwIn(ctx, i, firmware); err != nil {
			return err
		}
	}
	if err := r.bringSite(ctx); err != nil {
		return err
	}
	if err := r.startPrograms(ctx); err != nil {
		return err
	}
	r.relay, err = startRelay(r.Net, len(r.Machines), r.diary.relayed)
	return err
}

// screwIn adds a machine, with its BMC at an address of the management network.
func (r *Rack) screwIn(ctx context.Context, i int, firmware metal.Firmware) error {
	at := netip.AddrFrom4([4]byte{127, byte(r.Rig.Net), bmcNet, byte(i + 1)})
	m, err := startMachine(ctx, place{
		dir: r.Dir, unit: i, firmware: firmware, host: r.Net.Host(i), bmc: at, tcg: r.options.TCG,
		note: r.diary.of(machineID(i)),
	})
	if err == nil {
		r.diary.owns(m.ID, m.MAC)
		r.Machines = append(r.Machines, m)
		r.log.Info(fmt.Sprintf("machine %s (%s): its BMC is at %s, its console in %s", m.ID, firmware, m.bmc.lan, m.Console))
	}
	return err
}

const bmcNet = 9 // BMCs are 127.<net>.9.0/24

// bringSite writes credentials and the site file, and imports it.
func (r *Rack) bringSite(ctx context.Context) error {
	login, err := r.Net.Credentials(ctx, r.Net.Switch().Credential)
	if err != nil {
		return err
	}
	logins := map[string]metal.Credential{switchCredential: login}
	for _, m := range r.Machines {
		logins[m.credential()] = metal.Credential{User: m.bmc.user, Password: m.bmc.password}
	}
	for name, c := range logins {
		if err := os.WriteFile(filepath.Join(r.Dir, "credentials", name), []byte(c.User+"\n"+c.Password+"\n"), 0o600); err != nil {
			return err
		}
	}
	name := filepath.Join(r.Dir, "rack.yaml")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(sitefile.Write(f, r.site()), f.Close()); err != nil {
		return err
	}
	if out, err := r.Run(ctx, "starter", "import", name); err != nil {
		return fmt.Errorf("import the rack: %w\n%s", err, out)
	}
	return nil
}

// Stop ends everything and removes what it wrote, consoles included.
func (r *Rack) Stop() error {
	for _, m := range r.Machines {
		m.stop()
	}
	for _, f := range r.forwards {
		f.close()
	}
	if r.Net != nil {
		r.Net.Stop()
	}
	if r.relay != nil {
		r.relay.wait()
	}
	if r.Rig != nil {
		return r.Rig.Stop()
	}
	return nil
}

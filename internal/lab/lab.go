package lab

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"millwright/internal/agent"
	"millwright/internal/lab/machine"
	"millwright/internal/lab/netconf"
	"millwright/internal/lab/redfish"
	"millwright/internal/line"
	"millwright/internal/metal"
	"millwright/internal/sitefile"
)

// Config is all that a lab can be told.
type Config struct {
	Site        *sitefile.Site
	Credentials func(ctx context.Context, name string) (metal.Credential, error) // of its switches and BMCs
	DHCPPort    int                                                              // where boot's DHCP listens, at the site's boot addresses
	Post        Span                                                             // from power on to the first packet
	Patience    time.Duration                                                    // firmware's first wait for DHCP; a second where it is zero
	Pace        agent.Pace                                                       // the agents'; the zero value is the real one
	Seed        uint64                                                           // of all that varies
	Faults      []Fault                                                          // from the start
	API         string                                                           // host:port of the HTTP API; empty is none
	Log         *slog.Logger                                                     // nil discards
}

// Lab is a running data centre.
type Lab struct {
	config   Config
	switches []*netconf.Switch // in the site file's order, as are the next two
	bmcs     []*redfish.BMC
	machines []*machine.Machine
	index    map[string]faulty // "machine/m3" and the like
	lines    map[string]*line.Listener

	serving sync.WaitGroup
	mu      sync.Mutex
	failed  []error // of what stopped serving before its time
}

// Run runs a lab until ctx ends.
func Run(ctx context.Context, config Config) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lab, err := Start(ctx, config)
	if err != nil {
		return err
	}
	return lab.Wait()
}

// Start builds a lab, listens on every address of its site file, and returns.
// The lab runs until ctx ends; a lab that cannot listen everywhere ends at once.
func Start(ctx context.Context, config Config) (*Lab, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	l := &Lab{config: config, index: map[string]faulty{}, lines: map[string]*line.Listener{}}
	if err := l.build(ctx); err != nil {
		return nil, err
	}
	for _, f := range config.Faults {
		if err := l.SetFault(f); err != nil {
			return nil, err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	context.AfterFunc(ctx, stop)
	if err := l.listen(ctx); err != nil {
		stop() // what listens already must not outlive a lab that is not whole
		return nil, errors.Join(err, l.Wait())
	}
	return l, nil
}

// Wait returns once the lab has ended: nothing of it runs or listens then.
func (l *Lab) Wait() error {
	l.serving.Wait()
	for _, m := range l.machines {
		m.PowerOff()
	}
	return errors.Join(l.failed...)
}

func (l *Lab) build(ctx context.Context) error {
	switches := map[metal.SwitchID]*netconf.Switch{}
	for _, s := range l.config.Site.Switches {
		sw, err := l.newSwitch(ctx, s)
		if err != nil {
			return err
		}
		switches[s.ID] = sw
		l.switches = append(l.switches, sw)
		l.index["switch/"+string(s.ID)] = switchFaults{sw}
	}
	for _, m := range l.config.Site.Machines {
		if err := l.addMachine(ctx, m, switches[m.Port.Switch]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) newSwitch(ctx context.Context, s sitefile.Switch) (*netconf.Switch, error) {
	credential, err := l.config.Credentials(ctx, s.Credential)
	if err != nil {
		return nil, fmt.Errorf("switch %s: %w", s.ID, err)
	}
	if key := netconf.HostKeyFingerprint(string(s.ID)); key != s.HostKey {
		return nil, fmt.Errorf("switch %s: the site file pins host key %s and the lab's is %s; generate the file again: %w",
			s.ID, s.HostKey, key, metal.ErrFingerprint)
	}
	return netconf.New(netconf.Config{
		Name: string(s.ID), User: credential.User, Password: credential.Password, Log: l.config.Log,
	})
}

// addMachine builds a machine and its BMC, which know each other.
func (l *Lab) addMachine(ctx context.Context, m sitefile.Machine, sw *netconf.Switch) error {
	credential, err := l.config.Credentials(ctx, m.BMC.Credential)
	switch fingerprint := redfish.Fingerprint(string(m.ID)); {
	case err != nil:
		return fmt.Errorf("machine %s: %w", m.ID, err)
	case m.BMC.Protocol != metal.Redfish:
		return fmt.Errorf("machine %s: a lab's BMC speaks redfish, not %s: %w", m.ID, m.BMC.Protocol, metal.ErrUnsupported)
	case m.BMC.Fingerprint != fingerprint:
		return fmt.Errorf("machine %s: the site file pins certificate %s and the lab's is %s; generate the file again: %w",
			m.ID, m.BMC.Fingerprint, fingerprint, metal.ErrFingerprint)
	}
	mac, err := net.ParseMAC(m.NICs[0].MAC)
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.ID, err)
	}
	hardware, twin := l.hardware(m), l.twin(m.ID)
	var bmc *redfish.BMC
	built := machine.New(machine.Config{
		Machine: m.Machine, MAC: mac, Hardware: hardware, Twin: twin,
		Versions: func() (bios, bmcs string) {
			versions := bmc.Firmware()
			return versions["bios"], versions["bmc"]
		},
		Wire: port{m.Port, sw, l.config.DHCPPort},
		Post: l.post(m.ID), Patience: l.config.Patience, Pace: l.config.Pace,
		Off:     func() { bmc.MachineOff() },
		Restart: func() metal.BootDevice { return bmc.MachineReboot() },
		Log:     l.config.Log,
	})
	bmc = redfish.New(string(m.ID), credential, built, l.config.Log)
	bmc.Fit(l.behind(m, hardware))
	l.machines = append(l.machines, built)
	l.bmcs = append(l.bmcs, bmc)
	l.index["machine/"+string(m.ID)] = machineFaults{built, l, bmc}
	l.index["bmc/"+string(m.ID)] = bmcFaults{"bmc/" + string(m.ID), bmc}
	return nil
}

// post draws a machine's POST times. Each machine has a sequence of its own, so
// that a seed means the same whatever order the machines boot in.
func (l *Lab) post(id metal.MachineID) func() time.Duration {
	name := fnv.New64a()
	_, _ = name.Write([]byte(id)) // a hash never refuses
	random := rand.New(rand.NewPCG(l.config.Seed, name.Sum64()))
	return func() time.Duration { return l.config.Post.draw(random) }
}

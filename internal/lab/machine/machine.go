package machine

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// Wire is the cable between the machine's first NIC and its port.
type Wire interface {
	// Exchange sends one DHCP message through the port's relay, and returns the
	// first answer that comes before ctx ends.
	Exchange(ctx context.Context, message *dhcpv4.DHCPv4) (*dhcpv4.DHCPv4, error)
	// Dial opens a TCP connection from one of the machine's addresses, if the
	// port as it is configured at this moment lets it pass.
	Dial(ctx context.Context, from net.Addr, address string) (net.Conn, error)
}

// Config says which machine this is.
type Config struct {
	Machine  metal.Machine
	MAC      net.HardwareAddr
	Hardware Hardware
	// Twin is the machine that people take this one for: its cables and its label
	// are what some faults mix up. Nil is none.
	Twin *Hardware
	// Versions are of its firmware at this moment, as its BMC knows them; nil does
	// not say.
	Versions func() (bios, bmc string)
	Wire     Wire
	// Post is how long the next boot takes from power to the first packet.
	Post func() time.Duration
	// Patience is how long the firmware waits for its first DHCP answer; each
	// of its further tries waits twice as long as the one before. iPXE begins
	// with a second, which is the default.
	Patience time.Duration
	// Pace is the agent's; its zero value is right unless a test is in a hurry.
	Pace agent.Pace
	// Version is what its RAM system says it is.
	Version string
	// Off tells the BMC that the machine switched itself off. It must not call
	// the machine back.
	Off func()
	// Restart tells the BMC that the machine restarts from inside, and answers
	// with the boot override that this uses up.
	Restart func() metal.BootDevice
	Log     *slog.Logger // nil discards
}

// Machine is one simulated server. It is off until PowerOn.
type Machine struct {
	config Config
	disks  []*Disk
	log    *slog.Logger

	mu     sync.Mutex
	state  State
	faults map[FaultName]*Fault
	token  string // of the last boot in RAM; what a confused agent would show again
	stop   context.CancelFunc
	ended  chan struct{} // closed when the goroutine of the current life is gone
}

// New makes a machine that is off, with empty disks.
func New(config Config) *Machine {
	if config.Patience == 0 {
		config.Patience = time.Second
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	m := &Machine{
		config: config,
		log:    config.Log.With("machine", config.Machine.ID),
		faults: map[FaultName]*Fault{},
		state:  State{ID: config.Machine.ID, Phase: Off, Since: time.Now()},
	}
	for _, d := range config.Hardware.Disks {
		m.disks = append(m.disks, &Disk{serial: d.Serial, size: d.size()})
	}
	return m
}

// PowerOn gives power: the firmware boots the override, or in its own order
// where that is empty. A machine that has power keeps doing what it does.
func (m *Machine) PowerOn(override metal.BootDevice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	m.stop, m.ended = stop, make(chan struct{})
	m.state.PowerOns++
	go m.live(ctx, override, m.ended)
}

// PowerOff takes power away, and returns once nothing of the machine runs any
// more: what it would have written after this moment is not written.
func (m *Machine) PowerOff() {
	m.mu.Lock()
	stop, ended := m.stop, m.ended
	m.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-ended
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dark()
}

// dark is a machine without power. It wants the lock.
func (m *Machine) dark() {
	if m.stop != nil {
		m.stop()
	}
	m.stop = nil
	m.state.enter(Off, "")
	m.state.Address, m.state.Boot = "", 0
}

// live is one life, from power on to power off or until nothing is left to
// do: a machine that hangs or idles costs no goroutine.
func (m *Machine) live(ctx context.Context, override metal.BootDevice, ended chan struct{}) {
	defer close(ended)
	l := &life{Machine: m, override: override}
	for next := l.post; next != nil && ctx.Err() == nil; {
		if fault, struck := m.strike(Slow); struck && !wait(ctx, fault.Delay) {
			break
		}
		next = next(ctx)
	}
	l.hangUp()
}

// enter records what the machine does from now on.
func (m *Machine) enter(phase Phase, detail string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.enter(phase, detail)
	m.log.Debug("machine", "phase", phase, "detail", detail)
}

// wait reports whether the time passed; false means that power went first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ID is the machine's name.
func (m *Machine) ID() metal.MachineID { return m.config.Machine.ID }

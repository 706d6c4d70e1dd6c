package frr

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"millwright/internal/metal"
)

const (
	defaultDir            = "/var/lib/millwright"
	defaultTimeout        = time.Minute
	defaultConfirmTimeout = time.Minute

	// lease ends a session that a vanished worker left behind: TCP alone takes
	// two hours to notice.
	lease = 10 * time.Minute
)

// Driver configures Linux switches that run FRR. It keeps no connection and no
// state, so one of it serves any number of switches and callers.
type Driver struct {
	// Credentials looks a credential up by its name, at the moment of use. A
	// switch's password may be a private key, in PEM.
	Credentials func(ctx context.Context, name string) (metal.Credential, error)
	Log         *slog.Logger // for what the switch remarks; nil discards
	// Dir is where a switch keeps the lock, the way back and the filters;
	// /var/lib/millwright if empty. A path of plain characters.
	Dir string
	// Timeout bounds the login and each step on the switch; a minute if zero.
	Timeout time.Duration
	// ConfirmTimeout is how long the switch waits for our confirmation before
	// it takes a change back; a minute if zero. The switch counts in whole
	// seconds.
	ConfirmTimeout time.Duration
	// Pause is between two looks at a switch whose session was lost in the
	// middle of a change; a second if zero.
	Pause time.Duration
}

// plainPath is what may stand in a script as it is.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+$`)

// Plan says what Apply would change, as an operator of this switch would read
// it; empty where all is as intended. It changes nothing and takes no lock.
func (d *Driver) Plan(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) (string, error) {
	p, err := d.look(ctx, sw, ports)
	if err != nil {
		return "", err
	}
	text := p.diff()
	for _, port := range ports {
		if words, refused := p.refused[port.Port]; refused {
			text += fmt.Sprintf("%s\n! refused: %s\n", port.Port, words)
		}
	}
	return text, nil
}

// Drift names the ports that are not as intended, each with what is different.
// It changes nothing and takes no lock.
func (d *Driver) Drift(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) ([]metal.Drift, error) {
	p, err := d.look(ctx, sw, ports)
	if err != nil {
		return nil, err
	}
	var drifts []metal.Drift
	for _, port := range ports {
		if words, refused := p.refused[port.Port]; refused {
			drifts = append(drifts, metal.Drift{Port: port.Port, Diff: "! refused: " + words + "\n"})
		}
	}
	for _, w := range p.wants {
		if diff := p.steps[w.port].diff(); diff != "" {
			drifts = append(drifts, metal.Drift{Port: w.intent.Port, Diff: diff})
		}
	}
	return drifts, nil
}

// look compares ports in a session of its own.
func (d *Driver) look(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) (*plan, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return d.compare(ctx, s, ports)
}

// ManagedPorts names the ports that carry tenant addresses: any beside the
// install link's, on an interface whose alias or filter is Millwright's. Where
// its alias does not say which link that is, every address counts.
func (d *Driver) ManagedPorts(ctx context.Context, sw metal.Switch) ([]metal.Port, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	links, err := s.readLinks()
	if err != nil {
		return nil, err
	}
	rules, _, err := s.readTable()
	if err != nil {
		return nil, err
	}
	var ports []metal.Port
	for _, l := range links {
		if carriesTenant(l, rules) {
			ports = append(ports, metal.Port{Switch: sw.ID, Name: l.Name})
		}
	}
	return ports, nil
}

func (d *Driver) log() *slog.Logger {
	if d.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Log
}

func (d *Driver) dir() (string, error) {
	if d.Dir == "" {
		return defaultDir, nil
	}
	if !plainPath.MatchString(d.Dir) {
		return "", fmt.Errorf("switch directory %q: want an absolute path of letters, digits and ._-", d.Dir)
	}
	return d.Dir, nil
}

func orDefault(value, standard time.Duration) time.Duration {
	if value == 0 {
		return standard
	}
	return value
}

func (d *Driver) timeout() time.Duration { return orDefault(d.Timeout, defaultTimeout) }
func (d *Driver) confirmTimeout() time.Duration {
	return orDefault(d.ConfirmTimeout, defaultConfirmTimeout)
}
func (d *Driver) pause() time.Duration { return orDefault(d.Pause, time.Second) }

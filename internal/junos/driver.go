package junos

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"millwright/internal/metal"
)

const (
	defaultTimeout        = time.Minute
	defaultCommitTimeout  = 5 * time.Minute // a commit on a large configuration takes minutes (ansible #22192)
	defaultConfirmTimeout = 2 * time.Minute
)

// Driver configures Junos switches. It keeps no connection and no state, so
// one of it serves any number of switches and callers.
type Driver struct {
	// Credentials looks a credential up by its name, at the moment of use.
	Credentials func(ctx context.Context, name string) (metal.Credential, error)
	Log         *slog.Logger // for the switch's warnings; nil discards
	// Timeout bounds the login and each operation but commits; a minute if zero.
	Timeout time.Duration
	// CommitTimeout bounds a validate and a commit; five minutes if zero.
	CommitTimeout time.Duration
	// ConfirmTimeout is how long the switch waits for our confirmation before
	// it rolls back; two minutes if zero. Junos counts it in whole minutes.
	ConfirmTimeout time.Duration
	// Pause is between two looks at a switch whose session was lost around a
	// commit; two seconds if zero.
	Pause time.Duration
}

// Commit brings the ports to what is intended in one confirmed commit, and
// returns nil only when that was read back from the running configuration and
// confirmed. Where all is as intended it commits nothing. The ports belong to
// one switch and one site.
//
// Errors that wrap a sentinel of metal are final; *LockHeld and whatever else
// is weather, and Commit is safe to repeat.
func (d *Driver) Commit(ctx context.Context, sw metal.Switch, ports []metal.PortIntent, comment string) error {
	pieces, err := render(sw, ports)
	if err != nil {
		return err
	}
	s, err := d.open(ctx, sw)
	if err != nil {
		return err
	}
	c := &change{driver: d, sw: sw, pieces: pieces, comment: comment}
	err = c.run(s)
	s.close()
	if err != nil && s.lost != nil && c.committing {
		return c.settle(ctx, err)
	}
	return err
}

// Differing names those of the ports that the running configuration does not
// have as intended. It changes nothing and takes no lock.
func (d *Driver) Differing(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) ([]metal.Port, error) {
	pieces, err := render(sw, ports)
	if err != nil {
		return nil, err
	}
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	running, err := s.read("running", filterFor(pieces))
	if err != nil {
		return nil, err
	}
	return portsOf(ports, differing(pieces, running)), nil
}

// ManagedPorts names the ports that carry tenant addresses: anything beyond an
// install link on an interface that Millwright described or filters. Compared
// with what is leased, it shows what leaked.
func (d *Driver) ManagedPorts(ctx context.Context, sw metal.Switch) ([]metal.Port, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	running, err := s.read("running", branch("configuration", bare("interfaces")))
	if err != nil {
		return nil, err
	}
	var ports []metal.Port
	for _, i := range running.child("interfaces").all("interface") {
		if managed(i) && carriesTenant(i) {
			ports = append(ports, metal.Port{Switch: sw.ID, Name: i.key()})
		}
	}
	return ports, nil
}

// portsOf names the ports that own one of the pieces; a piece of the whole
// site is everybody's that uses it.
func portsOf(ports []metal.PortIntent, pieces []piece) []metal.Port {
	var found []metal.Port
	for _, p := range ports {
		for _, piece := range pieces {
			if piece.port == p.Port.Name || (piece.port == "" && p.Profile != metal.Disabled) {
				found = append(found, p.Port)
				break
			}
		}
	}
	return found
}

func (d *Driver) log() *slog.Logger {
	if d.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Log
}

func orDefault(value, standard time.Duration) time.Duration {
	if value == 0 {
		return standard
	}
	return value
}

func (d *Driver) timeout() time.Duration { return orDefault(d.Timeout, defaultTimeout) }
func (d *Driver) commitTimeout() time.Duration {
	return orDefault(d.CommitTimeout, defaultCommitTimeout)
}
func (d *Driver) confirmTimeout() time.Duration {
	return orDefault(d.ConfirmTimeout, defaultConfirmTimeout)
}
func (d *Driver) pause() time.Duration { return orDefault(d.Pause, 2*time.Second) }

// names lists ports for an error: as many as one reads.
func names(ports []string) string {
	const enough = 5
	if len(ports) <= enough {
		return fmt.Sprint(ports)
	}
	return fmt.Sprintf("%v and %d more", ports[:enough], len(ports)-enough)
}

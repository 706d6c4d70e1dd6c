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

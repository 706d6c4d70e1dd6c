package junos

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// Plan is what a commit of the ports would change, in the switch's words, and
// changes nothing. A port that would be refused makes it an error: half a plan
// is none.
//
// It loads the shared candidate under its lock, as a commit does, and discards
// it. A private candidate would leave as little, and says less: the switch
// gives none to a session while somebody has the lock, and none of RFC 6241's
// servers knows it. Should the session be lost, the switch discards with it.
func (d *Driver) Plan(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) (string, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return "", err
	}
	defer s.close()
	if err := s.lock(); err != nil {
		return "", err
	}
	defer s.unlock()
	if err := s.discard(); err != nil {
		return "", err
	}
	c := &change{driver: d, sw: sw, refused: map[metal.Port]string{}}
	if err := c.prepare(ctx, s, ports); err != nil {
		return "", err
	}
	if err := c.load(s); err != nil {
		s.abandon()
		return "", err
	}
	if err := s.discard(); err != nil {
		return "", err
	}
	for port, why := range c.refused {
		return "", fmt.Errorf("port %s: %w: %s", port, metal.ErrConfigRefused, why)
	}
	return c.diff, nil
}

// Drift says which of the ports the running configuration does not have as
// intended, and how. It changes nothing and takes no lock. What the ports of a
// switch share (its relay's servers, its limits) shows at each that uses it.
func (d *Driver) Drift(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) ([]metal.Drift, error) {
	keys, err := d.keys(ctx, ports)
	if err != nil {
		return nil, err
	}
	design := render(sw, ports, keys)
	for _, err := range design.refused {
		return nil, err
	}
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	running, err := design.look(s, "running")
	if err != nil {
		return nil, err
	}
	design.adopt(running)
	var found []metal.Drift
	for _, port := range design.differing(running) {
		text := diff(design.of([]metal.Port{port}), running)
		found = append(found, metal.Drift{Port: port, Diff: redacted(text, keys.secrets())})
	}
	return found, nil
}

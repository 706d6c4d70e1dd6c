package frr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// Apply takes the switch's lock, asks what is pending, brings those ports to
// what is intended, reads them back and confirms. A port that cannot be so is
// refused and left as it was, and the others are applied without it. Where all
// is as intended it changes nothing.
//
// Errors that wrap a sentinel of metal are final; *LockHeld and whatever else
// is weather, and Apply is safe to repeat.
func (d *Driver) Apply(ctx context.Context, sw metal.Switch, pending func(context.Context) (metal.Change, error)) (metal.Committed, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return metal.Committed{}, err
	}
	defer s.close()
	if err := s.lock(); err != nil {
		return metal.Committed{}, err
	}
	if err := s.recover(); err != nil {
		return metal.Committed{}, err
	}
	wanted, err := pending(ctx)
	if err != nil {
		return metal.Committed{}, fmt.Errorf("switch %s: what is pending: %w", sw.ID, err)
	}
	c := &change{driver: d, sw: sw, comment: wanted.Comment, refused: map[metal.Port]string{}}
	done, err := c.run(ctx, s, wanted.Ports)
	if err != nil && c.armed && s.lost != nil {
		return c.settle(ctx, err)
	}
	return done, err
}

// change is one change on its way.
type change struct {
	driver  *Driver
	sw      metal.Switch
	comment string
	refused map[metal.Port]string

	ports []metal.PortIntent // being changed
	token string             // names the way back on the switch
	armed bool               // there is a way back: what a lost session leaves is unknown
	done  metal.Committed    // what it comes to if it is in force
}

// run tries the ports together, and again without those that the switch did
// not take.
func (c *change) run(ctx context.Context, s *shell, ports []metal.PortIntent) (metal.Committed, error) {
	for {
		p, err := c.driver.compare(ctx, s, ports)
		if err != nil {
			return metal.Committed{}, err
		}
		maps.Copy(c.refused, p.refused)
		ports = c.left(ports)
		if len(p.differing()) == 0 {
			return metal.Committed{Refused: c.refused}, nil
		}
		c.ports, c.done = ports, metal.Committed{Changed: portsOf(p.differing()), Refused: c.refused, Diff: p.diff()}
		bad, err := c.try(ctx, s, p)
		if err != nil {
			return metal.Committed{}, c.abandon(s, err)
		}
		if len(bad) == 0 {
			return c.done, nil
		}
		maps.Copy(c.refused, bad)
		ports = c.left(ports)
	}
}

// try makes the change and looks. It is confirmed where it is in force, and
// taken back where a port is not.
func (c *change) try(ctx context.Context, s *shell, p *plan) (map[metal.Port]string, error) {
	words, err := c.make(s, p)
	if err != nil {
		return nil, err
	}
	seen, err := c.driver.compare(ctx, s, c.ports)
	if err != nil {
		return nil, err
	}
	bad := map[metal.Port]string{}
	for _, w := range seen.differing() {
		bad[w.intent.Port] = strings.TrimSpace(words + "\nread back:\n" + seen.steps[w.port].diff())
	}
	maps.Copy(bad, seen.refused) // an interface may vanish at any time
	if len(bad) > 0 {
		return bad, s.recover()
	}
	return nil, s.confirm(c.token, c.comment)
}

// make writes the way back down, starts its watchdog, and takes the steps. The
// filters are first and all at once. What the commands after them say is kept:
// whether it matters, reading back shows.
func (c *change) make(s *shell, p *plan) (string, error) {
	var taking, own []step
	for _, w := range p.differing() {
		taking, own = append(taking, p.steps[w.port]), append(own, p.own[w.port])
	}
	token, err := s.arm(c.driver, wayBack(p, own))
	if err != nil {
		return "", err
	}
	c.token, c.armed = token, true
	if _, err := s.run("replace the filters", "nft -f -"+document(p.rules.write())); err != nil {
		return "", refused(err)
	}
	var inKernel []string
	for _, step := range taking {
		inKernel = append(inKernel, batch(step)...)
	}
	said, err := s.run("set addresses and routing", take(token, inKernel, commands(taking, p.bgp), refreshed(taking)))
	words := redact(strings.TrimSpace(said), p.secrets)
	if words != "" {
		c.driver.log().Warn("switch remarked", "switch", c.sw.ID, "words", words)
	}
	return words, err
}

// take is the script that takes the steps. It goes on where a command is
// refused, with what the command said: one port's trouble is not the others'.
func take(token string, kernel, frr, after []string) string {
	var b strings.Builder
	b.WriteString("exec 2>&1\n")
	b.WriteString("{ ip -force -batch - || :; }" + document(strings.Join(kernel, "\n")))
	if len(frr) > 0 {
		b.WriteString("cat >\"$dir/undo-" + token + "/commands\"" + document(strings.Join(frr, "\n")))
		b.WriteString("vtysh -f \"$dir/undo-" + token + "/commands\" || :\n")
	}
	for _, command := range after {
		b.WriteString("vtysh -c '" + command + "' || :\n")
	}
	return b.String()
}

// abandon takes back what a failure left half done, if the session lives.
func (c *change) abandon(s *shell, err error) error {
	if s.lost != nil || !c.armed {
		return err
	}
	if undone := s.recover(); undone != nil {
		return errors.Join(err, undone)
	}
	return err
}

// left are the ports that were not refused.
func (c *change) left(ports []metal.PortIntent) []metal.PortIntent {
	return slices.DeleteFunc(slices.Clone(ports), func(p metal.PortIntent) bool { return c.refused[p.Port] != "" })
}

func portsOf(wants []want) []metal.Port {
	ports := make([]metal.Port, len(wants))
	for i, w := range wants {
		ports[i] = w.intent.Port
	}
	return ports
}

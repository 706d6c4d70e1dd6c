package bmc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// Console opens a machine's serial console: Serial over LAN, also on a BMC of
// protocol Redfish that says it offers it. An error that wraps
// metal.ErrUnsupported means that there is none to open.
//
// A BMC lends its console to one reader. Whoever has it open is shut out:
// sessions that a killed process left would keep it for minutes, and who may
// have it is settled before this is called.
func (d *Driver) Console(ctx context.Context, b metal.BMC) (*Console, error) {
	c, err := d.console(ctx, b)
	if err == nil {
		return c, nil
	}
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = context.Cause(ctx)
	}
	return nil, fmt.Errorf("machine %s: BMC %s: open console: %w", b.Machine, b.Address, err)
}

func (d *Driver) console(ctx context.Context, b metal.BMC) (*Console, error) {
	at, err := endpointOf(b)
	if err != nil {
		return nil, err
	}
	if b.Console == metal.NoConsole {
		return nil, fmt.Errorf("its record says that it has none: %w", metal.ErrUnsupported)
	}
	over := at
	if b.Protocol == metal.Redfish {
		if over, err = d.serialOver(ctx, b, at); err != nil {
			return nil, err
		}
	}
	release := func() {}
	if b.Sessions == 1 {
		ctx, release, err = d.yields.console(ctx, at.String())
		if err != nil {
			return nil, err
		}
	}
	c, err := d.activate(ctx, b, at, over)
	if err != nil {
		release()
		return nil, err
	}
	c.release = release
	return c, nil
}

// activate opens the console in a turn of its own, as commands have theirs;
// an open console holds none.
func (d *Driver) activate(ctx context.Context, b metal.BMC, at, over endpoint) (*Console, error) {
	t, err := d.take(ctx, b, at)
	if err != nil {
		return nil, err
	}
	defer t.end()
	cred, err := d.Credentials(ctx, b.Credential)
	if err != nil {
		return nil, fmt.Errorf("credential %q: %w", b.Credential, err)
	}
	s, err := openIPMI(over, cred, b.CipherSuite, d.Ipmitool, d.request(), d.log().With("machine", b.Machine, "bmc", over.String()))
	if err != nil {
		return nil, err
	}
	s.pace = &t.pace
	c, err := s.activate(ctx)
	if err != nil && strings.Contains(err.Error(), "already active") {
		s.log.DebugContext(ctx, "console ends a session that has it")
		if _, err := s.run(ctx, "sol", "deactivate"); err != nil {
			return nil, fmt.Errorf("end the session that has it: %w", s.explain(ctx, err))
		}
		c, err = s.activate(ctx)
	}
	return c, s.explainConsole(ctx, err)
}

func (s *ipmiSession) activate(ctx context.Context) (*Console, error) {
	if err := s.pace.wait(ctx); err != nil {
		return nil, err
	}
	c, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.await(ctx, s.limit); err != nil {
		return nil, err
	}
	return c, nil
}

// noConsole is what ipmitool says of BMCs without Serial over LAN, or with
// theirs switched off.
var noConsole = []string{
	"SOL payload disabled",
	"Error activating SOL payload: Invalid",
	"Error activating SOL payload: Parameter out of range",
	"cannot activate SOL payload with",
}

func (s *ipmiSession) explainConsole(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	for _, text := range noConsole {
		if strings.Contains(err.Error(), text) {
			return fmt.Errorf("%w: %w", plain(err, s.cred), metal.ErrUnsupported)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.explain(ctx, err)
}

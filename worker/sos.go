package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"millwright/internal/console/sos"
	"millwright/internal/metal"
)

// door opens SSH to the consoles of this worker's sites, if it is to.
func (c *consoles) door(ctx context.Context, cfg Config) (serve func(context.Context) error, err error) {
	if cfg.SOSListen == "" {
		return nil, nil
	}
	if len(c.keepers) == 0 {
		return nil, fmt.Errorf("--sos-listen %s: this worker keeps no consoles; give it --site, and not --no-consoles", cfg.SOSListen)
	}
	path := cmp.Or(cfg.SOSHostKey, filepath.Join(cfg.Credentials, "sos_host_key"))
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("host key of --sos-listen: %w; make one: ssh-keygen -t ed25519 -N '' -f %s", err, path)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("host key of --sos-listen: %s is no private key without a passphrase; make one: ssh-keygen -t ed25519 -N '' -f %s", path, path)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.SOSListen)
	if err != nil {
		return nil, fmt.Errorf("listen for tenants at their consoles on %s: %w", cfg.SOSListen, err)
	}
	c.log.Info("tenants may sit at their consoles", "address", listener.Addr(), "host_key", ssh.FingerprintSHA256(key.PublicKey()))
	server := &sos.Server{HostKey: key, Devices: c.store, Attach: c.attach, Log: c.log}
	return func(ctx context.Context) error { return server.Serve(ctx, listener) }, nil
}

// attach finds the keeper of a machine's site.
func (c *consoles) attach(ctx context.Context, site metal.SiteID, machine metal.MachineID) (sos.Place, error) {
	k, ours := c.keepers[site]
	if !ours {
		return nil, fmt.Errorf("machine %s, at %s: %w", machine, site, sos.ErrOtherSite)
	}
	seat, err := k.Attach(ctx, machine)
	if err != nil {
		return nil, err // and no place that is not nil and yet none
	}
	return seat, nil
}

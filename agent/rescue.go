package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"

	"millwright/internal/agent/rescue"
	"millwright/internal/metal"
)

// letIn opens the machine to its tenant, at the device's addresses.
func letIn(_ context.Context, wish metal.Rescue, boot string, log *slog.Logger) (string, func(), error) {
	if err := os.MkdirAll("/root", 0o700); err != nil {
		return "", nil, err
	}
	server, err := rescue.Open(rescue.Config{Listen: ":22", Keys: wish.Keys, Shell: "/bin/sh", Log: log})
	if err != nil {
		return "", nil, err
	}
	undo, err := links(boot, wish.Links)
	if err != nil {
		return "", nil, errors.Join(err, server.Close())
	}
	end := func() {
		undo()
		if err := server.Close(); err != nil {
			log.Warn("the rescue system does not close", "error", err)
		}
	}
	return server.Fingerprint(), end, nil
}

func links(boot string, leases []metal.Lease) (func(), error) {
	u, err := url.Parse(boot)
	if err != nil {
		return nil, fmt.Errorf("read the boot service's URL: %w", err)
	}
	address, err := netip.ParseAddr(u.Hostname())
	if err != nil { // a name: there is no single address to keep the way to
		return nil, fmt.Errorf("the boot service's URL %s names no address: %w", u.Redacted(), err)
	}
	return rescue.Links(address, leases)
}

package sos

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

// fingerprint is where a connection keeps by which key it was let in.
const fingerprint = "millwright-fingerprint"

// errRefused is all that anybody learns: whether there is such a device is not
// for strangers.
var errRefused = errors.New("no such device, or not its key")

func (s *Server) config(ctx context.Context) *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-Millwright",
		PublicKeyCallback: func(who ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			ctx, cancel := context.WithTimeout(ctx, greetLimit)
			defer cancel()
			seat, err := s.Devices.ConsoleSeat(ctx, metal.DeviceID(who.User()))
			if err != nil && !errors.Is(err, metal.ErrUnknownDevice) {
				s.Log.WarnContext(ctx, "it cannot be said who may sit at a console", "error", err)
			}
			if err != nil || !holds(seat, ssh.FingerprintSHA256(key)) {
				return nil, errRefused
			}
			return &ssh.Permissions{Extensions: map[string]string{fingerprint: ssh.FingerprintSHA256(key)}}, nil
		},
	}
	c.AddHostKey(s.HostKey)
	return c
}

// holds says whether a key is one of the device's. A key that the tenant
// bound to conditions (`from=…`, `command=…`) opens nothing here, since
// conditions are not looked at.
func holds(seat metal.ConsoleSeat, print string) bool {
	for _, text := range seat.SSHKeys {
		rest := []byte(text)
		for len(bytes.TrimSpace(rest)) > 0 {
			key, _, options, more, err := ssh.ParseAuthorizedKey(rest)
			if err != nil {
				break
			}
			if len(options) == 0 && ssh.FingerprintSHA256(key) == print {
				return true
			}
			rest = more
		}
	}
	return false
}

// refusal is why a device's console is nobody's now; empty if it is free.
// While the agent is on the machine it erases or installs, and whoever types
// there could stop it.
func refusal(seat metal.ConsoleSeat) string {
	switch seat.State {
	case metal.Active, metal.Inactive, metal.Failed, metal.PoweringOn, metal.PoweringOff:
		if !seat.Agent {
			return ""
		}
	}
	return "The device is " + strings.ReplaceAll(string(seat.State), "_", " ") + ": its console is yours again when that is done."
}

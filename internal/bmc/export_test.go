package bmc

import (
	"context"
	"net"
)

// DialBy has a driver reach its Redfish BMCs by other than the network: within
// a test, whose clock then is its own.
func (d *Driver) DialBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	d.dial = dial
}

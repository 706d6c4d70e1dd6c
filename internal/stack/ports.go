package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken below 32768, where Linux takes its ephemeral ports from
// (ip(7), ip_local_port_range): a part that is killed and started again on its
// port would otherwise now and then find an outgoing connection sitting on it.
const (
	firstPort = 12000
	lastPort  = 32000
)

// errPortTaken says that somebody was faster; another port may do.
var errPortTaken = errors.New("port already taken")

// freePorts finds n different ports that nobody listens on. They are free at
// this moment, not reserved: whoever uses them must be ready to try again.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 100 * n {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp4", address(port))
		if err != nil {
			continue
		}
		defer l.Close() // held until all are found, so that none is found twice
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("find %d free ports on 127.0.0.1 between %d and %d: only %d", n, firstPort, lastPort, len(ports))
}

// onFreePorts calls start with n free ports, and with others if one of them
// was taken in between.
func onFreePorts(n int, start func([]int) error) error {
	var err error
	for range 3 {
		ports, failed := freePorts(n)
		if failed != nil {
			return failed
		}
		if err = start(ports); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// probe listens on a port for a moment. Without it a part that lost its port
// might be taken for ready, because somebody else answers there.
func probe(port int) error {
	l, err := net.Listen("tcp4", address(port))
	if err != nil {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return l.Close()
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

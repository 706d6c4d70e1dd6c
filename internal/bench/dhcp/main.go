// Command dhcp measures how many machines a boot service's DHCP server serves
// in a second: complete exchanges, DISCOVER to ACK, asked for by Kea's perfdhcp
// as a relay on the same machine. It needs root, for a network namespace, and
// Debian's kea-admin. The last line is one JSON object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"millwright/internal/dhcp"
	"millwright/internal/metal"
)

const (
	relayAddress = "127.20.7.14"
	inside       = "MILLWRIGHT_BENCH_INSIDE"

	// leastPerSecond is the limit: a hall of 1,000 machines that comes back from
	// a power cut asks five times each, and is to be served in some seconds.
	leastPerSecond = 1000
)

// result is the last line. Limit: exchanges_s 1000, not less.
type result struct {
	Asked     int     `json:"asked_s"`
	Exchanges float64 `json:"exchanges_s"`
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench/dhcp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if os.Getenv(inside) == "" {
		return enter(ctx)
	}
	port, err := serve(ctx)
	if err != nil {
		return err
	}
	var best result
	fmt.Println("asked/s  exchanges/s")
	for _, rate := range []int{1000, 2000, 4000, 8000, 16000} {
		done, err := load(ctx, port, rate)
		if err != nil {
			return err
		}
		fmt.Printf("%7d %12.0f\n", rate, done)
		if done > best.Exchanges {
			best = result{rate, done}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(best); err != nil {
		return err
	}
	if best.Exchanges < leastPerSecond {
		return fmt.Errorf("%.0f exchanges a second: want %d", best.Exchanges, leastPerSecond)
	}
	return nil
}

// enter runs this program again where the relay's address is an interface's.
func enter(ctx context.Context) error {
	again := exec.CommandContext(ctx, "unshare", "--net", "sh", "-ec",
		`ip link set lo up; ip addr add `+relayAddress+`/32 dev lo; exec "$0"`, os.Args[0])
	again.Env = append(os.Environ(), inside+"=1")
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	return again.Run()
}

// hall is 20,000 machines to perfdhcp, all on its one link.
type hall struct{ metal.BootMachine }

func (h hall) ByPort(metal.Port) (metal.BootMachine, bool)    { return h.BootMachine, true }
func (h hall) ByMAC(string) (metal.BootMachine, bool)         { return h.BootMachine, true }
func (h hall) ByAddress(netip.Addr) (metal.BootMachine, bool) { return h.BootMachine, true }

func serve(ctx context.Context) (port string, err error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "", err
	}
	link := metal.Link{Prefix: netip.MustParsePrefix(relayAddress + "/31"), Role: metal.Install}
	server := &dhcp.Server{
		Site:     dhcp.Site{Address: netip.MustParseAddr("127.0.0.1"), URL: "http://127.0.0.1", Lease: time.Hour},
		Machines: hall{metal.BootMachine{ID: "m1", Install: link}},
	}
	go func() { _ = server.Serve(ctx, conn) }()
	_, port, err = net.SplitHostPort(conn.LocalAddr().String())
	return port, err
}

// seconds is how long each rate is asked for.
const seconds = 5

var completed = regexp.MustCompile(`(?s)REQUEST-ACK.*?received packets: (\d+)`)

// load is the exchanges that were completed in a second. perfdhcp ends with 3
// where it lost some, which is what a rate too high looks like.
func load(ctx context.Context, port string, rate int) (float64, error) {
	said, err := exec.CommandContext(ctx, "perfdhcp", "-4", "-l", relayAddress, "-N", port, "-R", "20000",
		"-r", strconv.Itoa(rate), "-p", strconv.Itoa(seconds), "127.0.0.1").CombinedOutput()
	found := completed.FindSubmatch(said)
	if found == nil {
		return 0, fmt.Errorf("run perfdhcp (apt-get install kea-admin): %w: %s", err, said)
	}
	n, err := strconv.Atoi(string(found[1]))
	return float64(n) / seconds, err
}

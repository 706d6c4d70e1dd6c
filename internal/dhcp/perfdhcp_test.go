package dhcp

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// everybody is a memory in which each MAC is a machine's, all on one link,
// because perfdhcp is one relay.
type everybody struct{ metal.BootMachine }

func (e everybody) ByPort(metal.Port) (metal.BootMachine, bool)    { return e.BootMachine, true }
func (e everybody) ByMAC(string) (metal.BootMachine, bool)         { return e.BootMachine, true }
func (e everybody) ByAddress(netip.Addr) (metal.BootMachine, bool) { return e.BootMachine, true }

// relayAddress is where perfdhcp plays the relay. It wants an address that an
// interface has, and port 67 of it.
const relayAddress = "127.20.7.14"

// alone runs the test again in a network namespace that has that address, and
// says whether this is that run.
func alone(t *testing.T) bool {
	t.Helper()
	const mark = "MILLWRIGHT_ALONE"
	if os.Getenv(mark) == t.Name() {
		return true
	}
	again := exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-ec",
		`ip link set lo up; ip addr add `+relayAddress+`/32 dev lo; exec "$@"`, "sh", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	again.Env = append(os.Environ(), mark+"="+t.Name())
	said, err := again.CombinedOutput()
	require.NoError(t, err, "needs root, util-linux and iproute2\n%s", said)
	return false
}

// Kea's load generator gives up on what is not answered within a second.
func TestPerfdhcpLosesNoExchange(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	const relay = relayAddress
	m := everybody{oneMachine(relay + "/31").BootMachine}
	m.MACs = nil
	server := started(t, &Server{Site: site, Machines: m})
	said, err := exec.CommandContext(t.Context(), "perfdhcp", "-4", "-l", relay, "-N", strconv.Itoa(server.Port),
		"-R", "1000", "-r", "300", "-p", "4", "-W", "1000000", "127.0.0.1").CombinedOutput()
	require.NoError(t, err, "needs kea-admin\n%s", said)
	for _, exchange := range []string{"DISCOVER-OFFER", "REQUEST-ACK"} {
		found := regexp.MustCompile(`(?s)Statistics for: ` + exchange + `.*?sent packets: (\d+).*?received packets: (\d+).*?drops: (-?\d+)`).FindSubmatch(said)
		require.NotNil(t, found, "%s", said)
		sent, err := strconv.Atoi(string(found[1]))
		require.NoError(t, err)
		require.Greater(t, sent, 500, exchange)
		require.Equal(t, fmt.Sprint(sent), string(found[2]), "%s: every one is answered\n%s", exchange, said)
	}
}

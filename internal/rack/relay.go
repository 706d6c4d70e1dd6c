package rack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"millwright/internal/netrack"
)

// relay is ISC's DHCP relay on the switch. Relays are the operators' part of a
// switch, so no driver starts it. It names a machine's port in option 82, by the
// interface alone.
type relay struct {
	process *exec.Cmd
	heard   func(line string, at time.Time)
	reading sync.WaitGroup
}

// relaying starts it: it looks for addresses once, so all ports have to have
// theirs, which they get with the first commit.
const relaying = `ports=$1; server=$2; set --
for i in $ports; do
	until ip -4 addr show dev $i | grep -q inet; do sleep 0.1; done
	set -- "$@" -id $i
done
exec /usr/sbin/dhcrelay -4 -d --no-pid -a -iu boot0 "$@" $server`

// startRelay relays from the machines' ports to the boot services.
func startRelay(r *netrack.Rack, machines int, heard func(string, time.Time)) (*relay, error) {
	var ports []string
	for i := range machines {
		ports = append(ports, r.Port(i).Name)
	}
	a := &relay{heard: heard}
	a.process = r.Tor.Command(context.Background(), "sh", "-ec", relaying, "sh", strings.Join(ports, " "), netrack.BootAddress.String())
	words, err := a.process.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := a.process.Start(); err != nil {
		return nil, fmt.Errorf("start the DHCP relay (apt-get install isc-dhcp-relay): %w", err)
	}
	a.reading.Go(func() { a.read(words) })
	return a, nil
}

// read takes a line for each packet: "Forwarded BOOTREQUEST for 52:54:… to …".
func (a *relay) read(words io.Reader) {
	for lines := bufio.NewScanner(words); lines.Scan(); {
		a.heard(strings.TrimSpace(lines.Text()), time.Now())
	}
}

// wait returns once the relay has ended, which it does with its switch.
func (a *relay) wait() {
	a.reading.Wait()
	_ = a.process.Wait() // killed
}

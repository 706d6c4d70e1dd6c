package firstboot

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"

	"millwright/internal/metadata"
	"millwright/internal/metal"
)

// Options are what a site adds to what it knows of a machine.
type Options struct {
	URL       string       // of the boot service, as machines reach it: http://10.0.0.1:8080
	Resolvers []netip.Addr // name servers; where there are none, the system has none until its tenant names some

	// Positions says on which NIC a link is, counted from 0, for machines on two
	// switches. Links that it does not name are on the first.
	Positions map[netip.Prefix]int
}

// ErrNothing is a machine that nothing can be written for: no device lives on
// it, or it has no NIC or no address.
var ErrNothing = errors.New("nothing to tell its system")

// Render writes the first boot of the system that is being installed on a
// machine. The boot number that it phones home with is the machine's present
// one.
func Render(m metal.BootMachine, method metal.FirstBootMethod, o Options) (metal.FirstBoot, error) {
	s, err := newSystem(m, o)
	if err != nil {
		return metal.FirstBoot{}, fmt.Errorf("first boot of machine %s: %w", m.ID, err)
	}
	first := metal.FirstBoot{Hostname: s.Hostname, MetadataURL: o.URL + "/metadata", PhoneHomeURL: s.phoneHomeURL}
	switch method {
	case metal.CloudInit:
		first.Seed, err = s.seed()
	case metal.Ignition:
		first.Files, err = s.coreOS()
	case metal.Flatcar:
		first.Files, err = s.flatcar()
	case metal.IPXE, metal.Plain: // what boots asks for its metadata
	default:
		err = fmt.Errorf("method %q is none of cloud-init, ignition, flatcar, ipxe, plain; see the system's first_boot", method)
	}
	if err != nil {
		return metal.FirstBoot{}, fmt.Errorf("first boot of machine %s: %w", m.ID, err)
	}
	return first, nil
}

// system is the device as its files describe it.
type system struct {
	*metal.Tenancy
	boot         metal.BootNumber
	phoneHomeURL string
	network      network
}

func newSystem(m metal.BootMachine, o Options) (system, error) {
	if m.Tenancy == nil {
		return system{}, fmt.Errorf("no device lives on it: %w", ErrNothing)
	}
	if !plainURL.MatchString(o.URL) {
		return system{}, fmt.Errorf("boot service's URL %q: want http://host:port or https://host", o.URL)
	}
	n, err := newNetwork(m, o)
	return system{
		Tenancy: m.Tenancy, boot: m.Intent.Number, network: n,
		phoneHomeURL: metadata.PhoneHomeURL(o.URL, m.Intent.Number),
	}, err
}

// plainURL has nothing in it that a shell, Python, systemd or YAML would read
// otherwise than as itself.
var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:[0-9]+)?$|^https?://\[[0-9A-Fa-f:.]+\](:[0-9]+)?$`)

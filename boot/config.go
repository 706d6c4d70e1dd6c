package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Config is the command line and the environment, as run needs them.
type Config struct {
	Site metal.SiteID `required:"" help:"The site whose machines are served."`

	Address netip.Addr `required:"" help:"The IPv4 address that machines know this service by: DHCP server identifier and TFTP server. Services that stand in for one another share it."`
	URL     string     `required:"" help:"The HTTP address that machines use, such as http://10.0.0.1."`

	DHCPListen  string `default:":67" help:"Where relayed DHCP requests arrive."`
	TFTPListen  string `default:":69" help:"Where firmware fetches iPXE from."`
	HTTPListen  string `default:":80" help:"Where machines speak HTTP."`
	AdminListen string `default:"127.0.0.1:9469" help:"Metrics and health, out of the machines' reach."`

	IPXEFolder  string `default:"/usr/lib/ipxe" type:"path" help:"iPXE programs: undionly.kpxe, snponly.efi, ipxe.efi."`
	AgentFolder string `default:"/var/lib/millwright/agent" type:"path" help:"The agent: vmlinuz and initrd.img."`
	ImageFolder string `default:"/var/lib/millwright/images" type:"path" help:"Disk images of operating systems."`

	ErasureKey string `default:"/var/lib/millwright/erasure.pem" type:"path" help:"The key that signs certificates of erasure, Ed25519 in PEM; made where it is missing."`

	Resolvers []netip.Addr `help:"Name servers that installed systems ask; none: tenants name their own."`

	AgentArguments string `help:"Further kernel arguments of the agent, such as console=ttyS0,115200."`

	Lease  time.Duration `default:"24h" help:"Lease time of install links; their addresses never change hands."`
	Resend time.Duration `default:"3s" help:"How often reports that Temporal did not take are sent again."`
	Reload time.Duration `default:"30s" help:"How often memory is compared with Postgres, besides its notices."`

	// Stale is how long after Postgres went silent memory may still tell a
	// system who it is: long enough for a failover, shorter than a machine takes
	// to be erased and installed for somebody else.
	Stale time.Duration `default:"5m" help:"How old memory may be to answer for metadata that names no boot number."`
}

func (c Config) check() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return fmt.Errorf("read the URL that machines use: %w", err)
	case u.Scheme != "http" || u.Host == "" || strings.HasSuffix(c.URL, "/") || u.RawQuery != "":
		return fmt.Errorf("URL %q: want http://host[:port] without a slash at the end; firmware of 2015 speaks no TLS", c.URL)
	case !c.Address.Is4():
		return fmt.Errorf("address %s: want an IPv4 address, for it stands in DHCPv4 answers", c.Address)
	case c.Site == "":
		return errors.New("a boot service needs the name of its site")
	}
	return nil
}

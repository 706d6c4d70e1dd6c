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

	Address6 netip.Addr   `help:"The IPv6 address of this service, where machines are to boot over IPv6, too."`
	Install6 netip.Prefix `help:"The IPv6 halves of install links lie in this prefix, a /96 or wider, with the IPv4 address as their last 32 bits."`

	DHCPListen  string `default:":67" help:"Where relayed DHCP requests arrive."`
	DHCP6Listen string `default:":547" help:"Where relayed DHCPv6 requests arrive, at a site with an IPv6 address."`
	TFTPListen  string `default:":69" help:"Where firmware fetches iPXE from."`
	HTTPListen  string `default:":80" help:"Where machines speak HTTP."`
	AdminListen string `default:"127.0.0.1:9469" help:"Metrics and health, out of the machines' reach."`

	IPXEFolder  string `default:"/usr/lib/ipxe" type:"path" help:"iPXE programs: undionly.kpxe, snponly.efi, and ipxe-arm64.efi for such machines."`
	AgentFolder string `default:"/var/lib/millwright/agent" type:"path" help:"The agent: vmlinuz, initrd.img, version and burn-in.tar.zst, as make agent builds them."`

	Images ImageConfig `embed:"" prefix:"image-"`

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
	case c.Address6.IsValid() != c.Install6.IsValid():
		return errors.New("an IPv6 boot address and the IPv6 prefix of install links go together: without links nobody has an address to ask from")
	case c.Address6.IsValid() && (!c.Address6.Is6() || !c.Install6.Addr().Is6() || c.Install6.Bits() > 96):
		return fmt.Errorf("IPv6 address %s, install links in %s: want an IPv6 address, and a prefix with room for 32 bits", c.Address6, c.Install6)
	case c.Site == "":
		return errors.New("a boot service needs the name of its site")
	}
	return c.Images.check()
}

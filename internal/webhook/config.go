package webhook

import "net/netip"

// Config is what a main's flags say of webhooks.
type Config struct {
	Key   []string       `type:"path" help:"File of 32 random bytes that webhooks' secrets are sealed with: head -c 32 /dev/urandom > FILE. Several: the first one seals, all open. None: there are no webhooks." placeholder:"FILE"`
	Allow []netip.Prefix `help:"Network that webhooks may reach although it is private, or otherwise nobody's on the Internet." placeholder:"PREFIX"`
	Plain bool           `help:"Let webhooks go to http:// URLs, too. For labs: whoever is on the way can read them."`
}

// Rules are where webhooks may go, as the flags say.
func (c Config) Rules() Rules { return Rules{Allow: c.Allow, Plain: c.Plain} }

package sitefile

import (
	"net/netip"
	"time"

	"gopkg.in/yaml.v3"

	"millwright/internal/metal"
)

// zones reads where names are made. A name server is reached from wherever the
// control workers run.
func (p *parser) zones(root object) {
	for _, n := range root.list("zones") {
		zone, o := p.zone(n)
		if zone.Name == "" || zone.Server == "" || zone.Credential == "" {
			continue // said already
		}
		if err := zone.Check(); err != nil {
			p.problem(n.Line, "%v", err)
		}
		p.once("zone", zone.Root(), o.at("name"))
		p.site.Zones = append(p.site.Zones, zone)
	}
}

func (p *parser) zone(n *yaml.Node) (metal.Zone, object) {
	o := p.object(entry{"zone", n.Line, n}, []string{"name", "server", "credential"}, []string{"algorithm", "addresses", "ttl"})
	zone := metal.Zone{
		Name: o.text("name"), Server: o.text("server"), Credential: p.credential(o),
		Algorithm: o.text("algorithm"), TTL: o.span("ttl", zoneTTL),
	}
	if text := o.text("addresses"); text != "" {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix != prefix.Masked() {
			p.problem(o.at("addresses"), "addresses of zone %s are %q; write a prefix like 192.0.2.64/26", zone.Name, text)
		}
		zone.Addresses = prefix
	}
	return zone, o
}

// zoneTTL is how long resolvers keep our names: short, because machines come
// and go.
const zoneTTL = 5 * time.Minute

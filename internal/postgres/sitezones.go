package postgres

import (
	"context"
	"fmt"
	"net/netip"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// writeZones writes where names are made. With a new or changed zone everything
// that has names gets another look. A zone that the file no longer has stays,
// until what was made in it is gone.
func (im *siteImport) writeZones(ctx context.Context) error {
	known := map[string]query.Zone{}
	for _, r := range im.was.zones {
		known[r.Name] = r
	}
	changed := false
	for _, z := range im.file.Zones {
		var before facts
		if was, there := known[z.Name]; there {
			before = rowZoneFacts(was)
		}
		if !im.note("zone", z.Name, before, zoneFacts(string(im.file.ID), z)) {
			continue
		}
		changed = true
		err := im.q.UpsertZone(ctx, query.UpsertZoneParams{
			Name: z.Name, Site: string(im.file.ID), Server: z.Server, Credential: z.Credential, Algorithm: z.Algorithm,
			Addresses: orAll(z), Ttl: z.TTL,
		})
		if err != nil {
			return fmt.Errorf("zone %s: %w", z.Name, err)
		}
	}
	if !changed {
		return nil
	}
	return im.q.AllNamesDue(ctx)
}

// checkZones keeps a zone to the site that has it: two would each take away
// names that the other makes.
func (im *siteImport) checkZones() {
	for _, r := range im.was.zones {
		for _, z := range im.file.Zones {
			if r.Name == z.Name && r.Site != nil && *r.Site != string(im.file.ID) {
				im.refuse("zone %s is that of site %s; give this site a zone of its own, such as %s.%s", z.Name, *r.Site, im.file.ID, z.Name)
			}
		}
	}
}

func zoneFacts(site string, z metal.Zone) facts {
	return facts{"site", site, "server", z.Server, "credential", z.Credential, "algorithm", z.Algorithm, "addresses", orAll(z), "ttl", z.TTL}
}

func rowZoneFacts(r query.Zone) facts {
	z := metal.Zone{Server: r.Server, Credential: r.Credential, Algorithm: r.Algorithm, TTL: r.Ttl}
	if r.Addresses != nil {
		z.Addresses = *r.Addresses
	}
	site := ""
	if r.Site != nil {
		site = *r.Site
	}
	return zoneFacts(site, z)
}

// orAll is a zone's addresses as its row is written: 0.0.0.0/0 for a zone whose
// name says them, or that has none.
func orAll(z metal.Zone) netip.Prefix {
	if !z.Addresses.IsValid() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return z.Addresses
}

package ipam

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"millwright/internal/metal"
)

// Registrant is what the RIPE database wants of every object and Millwright
// does not know. Contacts are handles of roles, never people's names.
type Registrant struct {
	Organisation string                  // "ORG-EX1-RIPE"; may be empty
	Admin        string                  // admin-c, a handle
	Tech         string                  // tech-c, a handle
	Maintainer   string                  // mnt-by
	Country      map[metal.SiteID]string // ISO 3166; of "" for anycast
}

// RIPE writes assignments as RPSL objects, inetnum and inet6num, with the
// attributes of the RIPE database's templates (docs.db.ripe.net, "Descriptions
// of Primary Objects"). The database makes created and last-modified itself;
// here they say since when a customer has the prefix. What is mandatory and was
// not given is named in a comment at the top, which the database skips.
//
// An inetnum is "ASSIGNED PA", an inet6num "ASSIGNED". Prefixes of one size may
// be registered together as AGGREGATED-BY-LIR instead (ripe-513); that is for
// whoever files them to choose.
func RIPE(w io.Writer, given []Assignment, r Registrant) error {
	out := &bytes.Buffer{}
	for _, missing := range r.missing(given) {
		fmt.Fprintf(out, "# mandatory and not given: %s\n", missing)
	}
	for i, a := range given {
		if i > 0 || out.Len() > 0 {
			out.WriteByte('\n')
		}
		r.object(out, a)
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (r Registrant) object(out *bytes.Buffer, a Assignment) {
	attribute := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "%-16s%s\n", name+":", oneLine(value))
		}
	}
	if Family(a.Prefix) == 4 {
		attribute("inetnum", a.Prefix.Addr().String()+" - "+LastAddr(a.Prefix).String())
	} else {
		attribute("inet6num", a.Prefix.String())
	}
	attribute("netname", a.NetName())
	attribute("descr", a.Customer+", "+a.place())
	attribute("country", r.Country[a.Site])
	attribute("org", r.Organisation)
	attribute("admin-c", r.Admin)
	attribute("tech-c", r.Tech)
	attribute("status", map[int]string{4: "ASSIGNED PA", 6: "ASSIGNED"}[Family(a.Prefix)])
	attribute("mnt-by", r.Maintainer)
	if !a.Since.IsZero() {
		since := a.Since.UTC().Format(time.RFC3339)
		attribute("created", since)
		attribute("last-modified", since)
	}
	attribute("source", "RIPE")
}

// missing lists each mandatory attribute that some object lacks, once.
func (r Registrant) missing(given []Assignment) []string {
	lacks := []string{}
	for _, a := range [][2]string{{"admin-c", r.Admin}, {"tech-c", r.Tech}, {"mnt-by", r.Maintainer}} {
		if a[1] == "" && len(given) > 0 {
			lacks = append(lacks, a[0])
		}
	}
	said := map[metal.SiteID]bool{}
	for _, a := range given {
		if r.Country[a.Site] == "" && !said[a.Site] {
			said[a.Site] = true
			lacks = append(lacks, "country of "+a.place())
		}
	}
	return lacks
}

// oneLine keeps a value from beginning an attribute of its own.
func oneLine(value string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, value)
}

package junos

import (
	"fmt"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// mark begins the name or description of all that Millwright configures.
const mark = "millwright"

// rendered is a port and its pieces.
type rendered struct {
	intent metal.PortIntent
	pieces []piece
}

// design is what the ports of a change should be, and what they share.
type design struct {
	ports   []rendered
	site    []piece
	refused map[metal.Port]error // by our own checks; the others can go on
}

// render says what the ports' pieces, and the site's, should be. Each port
// stands for itself: what is wrong with one keeps no other from its change.
func render(sw metal.Switch, ports []metal.PortIntent, keys keyring) design {
	d := design{refused: map[metal.Port]error{}}
	var boot *metal.PortIntent // the first port's boot services are the switch's
	places := map[string]metal.Port{}
	for _, p := range ports {
		one, err := renderPort(sw, p, keys)
		if err == nil {
			err = disputed(one, places)
		}
		if err == nil {
			err = sameBoot(boot, p)
		}
		if err != nil {
			d.refused[p.Port] = fmt.Errorf("port %s: %w", p.Port, err)
			continue
		}
		for _, piece := range one.pieces {
			places[piece.place()] = p.Port
		}
		if d.ports = append(d.ports, one); boot == nil && p.Profile != metal.Disabled {
			boot = &p
			d.site = sitePieces(p)
		}
	}
	return d
}

// renderPort checks an intent, renders it, and checks what came of it.
func renderPort(sw metal.Switch, p metal.PortIntent, keys keyring) (rendered, error) {
	if err := check(sw, p); err != nil {
		return rendered{}, err
	}
	key, err := keys.of(p)
	if err != nil {
		return rendered{}, err
	}
	one := rendered{intent: p, pieces: portPieces(p, key)}
	return one, dangling(append(one.pieces, sitePieces(p)...))
}

// disputed refuses a port that wants what an earlier one of the change owns:
// one of them is wrong, and whoever came second would take it silently.
func disputed(one rendered, places map[string]metal.Port) error {
	for _, piece := range one.pieces {
		if other, taken := places[piece.place()]; taken {
			return fmt.Errorf("%s is port %s's in the same change: %w", piece.place(), other, metal.ErrUnsupported)
		}
	}
	return nil
}

// sameBoot holds the ports of a switch to one idea of their boot services.
func sameBoot(first *metal.PortIntent, p metal.PortIntent) error {
	if first == nil || p.Profile == metal.Disabled {
		return nil
	}
	if got, want := sorted(p.Boot), sorted(first.Boot); !slices.Equal(got, want) {
		return fmt.Errorf("boot services %v, but %v on port %s of the same change: %w",
			got, want, first.Port, metal.ErrUnsupported)
	}
	return nil
}

// sitePieces are what all ports of a switch share. They stay when the last
// port leaves: without one that names them they do nothing.
func sitePieces(p metal.PortIntent) []piece {
	if p.Profile == metal.Disabled {
		return nil
	}
	return append(policerPieces(), serverGroup(sorted(p.Boot)), defaultList(), exportPolicy())
}

// portPieces is all that one port owns on the switch. The list is the same for
// every profile, so that what a profile has no use for is removed.
func portPieces(p metal.PortIntent, key string) []piece {
	pieces := interfacePieces(p)
	pieces = append(pieces, bundlePieces(p)...)
	pieces = append(pieces, namedPieces(p, key)...)
	return append(pieces, routePieces(p)...)
}

// namedPieces are those that stand elsewhere than on the interface, under a
// name with the port's in it.
func namedPieces(p metal.PortIntent, key string) []piece {
	var pieces []piece
	for _, f := range []family{inet, inet6} {
		pieces = append(pieces, filterPieces(p, f)...)
	}
	pieces = append(pieces, relayPiece(p), advertisement(p))
	return append(pieces, bgpPieces(p, key)...)
}

// of gives the pieces of the ports named, with the site's that they use, without two for one
// place: where one port gives something up that another takes, it is taken.
func (d design) of(ports []metal.Port) []piece {
	var pieces []piece
	at := map[string]int{}
	for _, piece := range d.all(ports) {
		i, twice := at[piece.place()]
		switch {
		case !twice:
			at[piece.place()] = len(pieces)
			pieces = append(pieces, piece)
		case pieces[i].want == nil:
			pieces[i] = piece
		}
	}
	return pieces
}

func (d design) all(ports []metal.Port) []piece {
	var pieces []piece
	site := d.site
	for _, p := range d.ports {
		if !slices.Contains(ports, p.intent.Port) {
			continue
		}
		if p.intent.Profile != metal.Disabled { // which uses nothing of the site's
			pieces, site = append(pieces, site...), nil
		}
		pieces = append(pieces, p.pieces...)
	}
	return pieces
}

// names are the design's ports.
func (d design) names() []metal.Port {
	names := make([]metal.Port, len(d.ports))
	for i, p := range d.ports {
		names[i] = p.intent.Port
	}
	return names
}

// differing names the ports that the configuration does not have as intended;
// what the site shares is everybody's that uses it.
func (d design) differing(configuration *element) []metal.Port {
	site := len(differing(d.site, configuration)) > 0
	var found []metal.Port
	for _, p := range d.ports {
		if (site && p.intent.Profile != metal.Disabled) || len(differing(p.pieces, configuration)) > 0 {
			found = append(found, p.intent.Port)
		}
	}
	return found
}

// label makes a port's name fit for names of filters and groups: Junos takes
// slashes there only in quotes. Distinct interfaces stay distinct, because
// none has a hyphen or a colon where another has a slash.
func label(port string) string {
	return strings.NewReplacer("/", "-", ":", "-").Replace(port)
}

// owned names what belongs to a port: "millwright-import-xe-0-0-7".
func owned(port, what string) string {
	if what == "" {
		return mark + "-" + label(port)
	}
	return mark + "-" + what + "-" + label(port)
}

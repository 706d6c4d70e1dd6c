package junos

// limit is how much of one kind of control traffic a machine may send. The
// switch's processor takes it, and it is everybody's; each port's filter
// counts for itself.
type limit struct {
	name             string
	bandwidth, burst string // bits per second, bytes; as Junos writes them
}

var (
	// A boot asks for addresses ten times at most, half a kilobyte each.
	dhcpLimit = limit{name: mark + "-dhcp", bandwidth: "256k", burst: "16k"}
	// Ten megabits are 15,000 pings a second, and neighbour discovery besides.
	icmpLimit = limit{name: mark + "-icmp", bandwidth: "10m", burst: "128k"}
	// A machine announces some hundred prefixes at most.
	bgpLimit = limit{name: mark + "-bgp", bandwidth: "2m", burst: "64k"}
)

// policerPieces define the limits.
func policerPieces() []piece {
	var pieces []piece
	for _, l := range []limit{dhcpLimit, icmpLimit, bgpLimit} {
		pieces = append(pieces, piece{
			path: []step{{tag: "firewall"}},
			step: step{tag: "policer", key: l.name},
			want: branch("policer",
				leaf("name", l.name),
				branch("if-exceeding", leaf("bandwidth-limit", l.bandwidth), leaf("burst-size-limit", l.burst)),
				branch("then", bare("discard"))),
		})
	}
	return pieces
}

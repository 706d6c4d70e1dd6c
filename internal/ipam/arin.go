package ipam

import (
	"fmt"
	"io"
	"text/tabwriter"

	"millwright/internal/metal"
)

// What ARIN's Number Resource Policy Manual asks of a provider.
const (
	swip4   = 29   // 4.2.3.7.1: reassignments of a /29 or more are reported by SWIP, within seven days
	swip6   = 47   // 6.5.5.1: of a /47 or more
	ofAll   = 0.80 // 4.2.4.1: of all allocations together, to have more
	ofEvery = 0.50 // 4.2.4.1: of each allocation
)

// reported says whether ARIN wants an assignment reported by SWIP.
func (a Assignment) reported() bool {
	if a.Customer == Infrastructure {
		return false
	}
	if Family(a.Prefix) == 4 {
		return a.Prefix.Bits() <= swip4
	}
	return a.Prefix.Bits() <= swip6
}

// ARIN writes how the allocations of a registry are used and to whom their
// parts are reassigned, in the columns in which ARIN's analysts ask for them
// when more space is requested. Use counts what is held, and not what rests.
func ARIN(w io.Writer, s Snapshot, registry string) error {
	given := Given(s, registry)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if !s.At.IsZero() {
		fmt.Fprintf(columns, "Utilisation on %s\n\n", dateOf(s.At))
	}
	fmt.Fprintln(columns, "ALLOCATION\tGIVEN\tTOTAL\tCUSTOMERS\tINFRASTRUCTURE\tQUARANTINED\tFREE\tUSED\tWANTED")
	s.allocations(columns, given, registry)
	fmt.Fprintln(columns)
	fmt.Fprintln(columns, "NETWORK NAME\tPREFIX\tFIRST\tLAST\tSIZE\tCUSTOMER ID\tSITE\tSINCE\tSWIP")
	for _, a := range given {
		swip := "-"
		if a.reported() {
			swip = "yes"
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.NetName(), a.Prefix, a.Prefix.Addr(), LastAddr(a.Prefix),
			sized(Units(a.Prefix), Family(a.Prefix)), a.Customer, a.place(), orDash(dateOf(a.Since)), swip)
	}
	return columns.Flush()
}

// allocations writes a line for each aggregate, and one for all of IPv4.
func (s Snapshot) allocations(w io.Writer, given []Assignment, registry string) {
	all := metal.Use{Of: "all IPv4", Family: 4}
	customersOfAll := 0.0
	for _, u := range Uses(s, ByAggregate) {
		aggregate, ok := s.named(u.Of, registry)
		if !ok {
			continue
		}
		customers := 0.0
		for _, a := range given {
			if a.Aggregate == aggregate.Prefix && a.Customer != Infrastructure {
				customers += Units(a.Prefix)
			}
		}
		allocation(w, u, customers, dateOf(aggregate.Given), ofEvery)
		if u.Family == 4 {
			all.Total, all.Held, all.Resting, all.Free = all.Total+u.Total, all.Held+u.Held, all.Resting+u.Resting, all.Free+u.Free
			customersOfAll += customers
		}
	}
	if all.Total > 0 {
		allocation(w, all, customersOfAll, "", ofAll)
	}
}

func (s Snapshot) named(prefix, registry string) (metal.Aggregate, bool) {
	for _, a := range s.Aggregates {
		if a.Prefix.String() == prefix && (registry == "" || a.Registry == registry) {
			return a, true
		}
	}
	return metal.Aggregate{}, false
}

// allocation is one line. IPv6 has no threshold of this kind.
func allocation(w io.Writer, u metal.Use, customers float64, given string, wanted float64) {
	used := share(u.Held, u.Total)
	verdict := fmt.Sprintf("%.0f%%: not yet", wanted*100)
	if used >= wanted {
		verdict = fmt.Sprintf("%.0f%%: reached", wanted*100)
	}
	if u.Family == 6 {
		verdict = "-"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Of, orDash(given), sized(u.Total, u.Family), short(customers),
		short(max(0, u.Held-customers)), short(u.Resting), short(u.Free), percent(used), verdict)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

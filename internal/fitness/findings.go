package fitness

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// findings are collected here, and put in order at the end.
type findings []metal.Finding

// The bounds of texts: what they are made of comes from machines.
const (
	longestPart   = 100
	longestDetail = 500
)

// add notes a finding that is as bad as its kind.
func (f *findings) add(kind metal.IssueKind, part, format string, args ...any) {
	f.addAs(known(kind).Default, kind, part, format, args...)
}

func (f *findings) addAs(severity metal.Severity, kind metal.IssueKind, part, format string, args ...any) {
	*f = append(*f, metal.Finding{
		Kind: kind, Part: clip(part, longestPart), Detail: clip(fmt.Sprintf(format, args...), longestDetail), Severity: severity,
	})
}

// clip takes from a text what does not print, and its end.
func clip(text string, longest int) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '\ufffd' {
			return -1
		}
		return c
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), longest)], "")
}

// ordered are the findings by kind and part, one of each: two that tell of the
// same thing become one, as bad as the worse of them.
func (f findings) ordered() []metal.Finding {
	slices.SortStableFunc(f, func(a, b metal.Finding) int {
		return cmp.Or(cmp.Compare(place(a.Kind), place(b.Kind)), cmp.Compare(a.Part, b.Part),
			cmp.Compare(a.Detail, b.Detail), cmp.Compare(rank(b.Severity), rank(a.Severity)))
	})
	f = slices.CompactFunc(f, func(a, b metal.Finding) bool {
		return a.Kind == b.Kind && a.Part == b.Part && a.Detail == b.Detail
	})
	var all []metal.Finding
	for _, next := range f {
		last := len(all) - 1
		if last < 0 || all[last].Kind != next.Kind || all[last].Part != next.Part {
			all = append(all, next)
			continue
		}
		if rank(next.Severity) > rank(all[last].Severity) {
			all[last].Severity = next.Severity
		}
		all[last].Detail = clip(all[last].Detail+"; "+next.Detail, longestDetail)
	}
	return all
}

// place is a kind's line in the table; what it lacks comes last.
func place(kind metal.IssueKind) int {
	if i := slices.IndexFunc(metal.IssueKinds, func(k metal.Known) bool { return k.Kind == kind }); i >= 0 {
		return i
	}
	return len(metal.IssueKinds)
}

// known is what the table says of a kind. One that it lacks is taken seriously.
func known(kind metal.IssueKind) metal.Known {
	if i := place(kind); i < len(metal.IssueKinds) {
		return metal.IssueKinds[i]
	}
	return metal.Known{Kind: kind, Default: metal.Failing}
}

func rank(s metal.Severity) int {
	return slices.Index([]metal.Severity{metal.Note, metal.Degraded, metal.Failing}, s)
}

package main

// breach is which promise a finding breaks.
type breach string

const (
	lost    breach = "lost"    // a run or order that never ends, or waits for nothing
	leaked  breach = "leaked"  // something that is held, charged for or kept by nobody, or the other way round
	doubled breach = "doubled" // two holders, two bills
)

// finding is one thing that must not be.
type finding struct {
	Breach   breach `json:"breach"`
	What     string `json:"what"`
	Evidence string `json:"evidence,omitempty"`
}

func (f finding) String() string {
	if f.Evidence == "" {
		return string(f.Breach) + ": " + f.What
	}
	return string(f.Breach) + ": " + f.What + " (" + f.Evidence + ")"
}

// distinct has each finding once: what our checks find, an operator's commands
// find too, and what stays is seen at the second look again.
func distinct(all []finding) (once []finding) {
	seen := map[string]bool{}
	for _, f := range all {
		if key := string(f.Breach) + f.What; !seen[key] {
			seen[key] = true
			once = append(once, f)
		}
	}
	return once
}

func count(all []finding, b breach) (n int) {
	for _, f := range all {
		if f.Breach == b {
			n++
		}
	}
	return n
}

package fitness

import "millwright/internal/metal"

// Health is what a machine's open issues come to. Whether anybody has looked at
// all is for the caller to know: of no issues the answer is ok.
func Health(open []metal.Issue) metal.Health {
	health := metal.HealthOK
	for _, issue := range open {
		switch {
		case !issue.Closed.IsZero():
		case issue.Severity == metal.Failing:
			return metal.HealthFailing
		case issue.Severity == metal.Degraded:
			health = metal.HealthDegraded
		}
	}
	return health
}

// Blocks says whether a finding keeps a machine from becoming idle by itself.
// What is failing does. So does what is degraded where the machine is not what
// it should be; a machine that is what it should be and has a warm part does not
// wait for a person.
func Blocks(f metal.Finding) bool {
	switch f.Severity {
	case metal.Failing:
		return true
	case metal.Degraded:
		look := known(f.Kind).Look
		return look == metal.LookCompare || look == metal.LookBMC
	}
	return false
}

// Strict is what findings mean for a machine that is to be proven: that nothing
// is known of it, which otherwise only is worth a note, is a failure then.
func Strict(found []metal.Finding) []metal.Finding {
	strict := make([]metal.Finding, len(found))
	for i, f := range found {
		if f.Kind == metal.NoInventory {
			f.Severity = metal.Failing
		}
		strict[i] = f
	}
	return strict
}

// Lasting says that an issue of this kind is not over when the next patrol does
// not find it: an entry of the event log is read once, and the memory that it
// tells of is as bad as it was. A proof ends it, or a person.
func Lasting(kind metal.IssueKind) bool { return kind == metal.MemoryErrors }

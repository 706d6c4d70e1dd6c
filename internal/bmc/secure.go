package bmc

import (
	"context"

	"millwright/internal/metal"
)

// securer is a session that can bring its BMC in order.
type securer interface {
	secure(ctx context.Context, want metal.BMCWish) ([]metal.Finding, error)
}

// Secure brings the users of a BMC, its LAN settings, the firmware's settings
// and boot entries, and the way in from the machine to what is wished. What is
// so already is not written; what was written is read back. It answers with a
// finding for each difference that it met, mended or not, and does so beside an
// error too: what was mended before it is not met again by a repeat.
//
// Firmware settings take effect at the machine's next start; until then their
// findings say that they wait. A setting, an entry or a way in that the model
// does not let anybody change is a finding and no error.
func (d *Driver) Secure(ctx context.Context, b metal.BMC, want metal.BMCWish) (found []metal.Finding, err error) {
	err = d.during(ctx, b, "bring in order", func(ctx context.Context, s session) error {
		keeper, ok := s.(securer)
		if !ok {
			return metal.ErrUnsupported
		}
		more, err := keeper.secure(ctx, want)
		found = append(found, more...)
		return err
	})
	return found, err
}

// severities of kinds that IssueKinds has, so that a finding says what its kind
// means.
func finding(kind metal.IssueKind, part, detail string) metal.Finding {
	f := metal.Finding{Kind: kind, Part: part, Detail: detail, Severity: metal.Degraded}
	for _, known := range metal.IssueKinds {
		if known.Kind == kind {
			f.Severity = known.Default
		}
	}
	return f
}

// foreign are the users that are neither wanted nor kept.
func foreign(names []string, want metal.BMCWish) (others []string) {
	ours := map[string]bool{want.User: true}
	for _, name := range want.Keep {
		ours[name] = true
	}
	for _, name := range names {
		if !ours[name] {
			others = append(others, name)
		}
	}
	return others
}

// secureUsers removes users that are not ours. A wish without a user leaves all
// of them.
func secureUsers(ctx context.Context, w warden, want metal.BMCWish) (found []metal.Finding, err error) {
	if want.User == "" {
		return nil, nil
	}
	names, err := w.users(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range foreign(names, want) {
		found = append(found, finding(metal.BMCUsers, name, "user "+quoted(name)+" could log in, and is not ours; it was removed"))
	}
	for _, name := range foreign(names, want) {
		if err := removeUser(ctx, w, name); err != nil {
			return found, err
		}
	}
	return found, nil
}

// quoted is a device's text in one of ours.
func quoted(text string) string { return `"` + clean(text, 64) + `"` }

package activities

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// Guard keeps the BMCs of a site: their passwords, users and settings.
type Guard struct {
	Store       GuardStore
	BMC         Keeper
	Judge       Judge
	Passwords   Passwords
	Credentials func(ctx context.Context, name string) (metal.Credential, error)
}

// GuardStore knows machines, who may touch them, and what was found of them.
type GuardStore interface {
	PowerStore
	FitnessOf(ctx context.Context, plan metal.PlanID) (metal.Fitness, error)
	// AsideMachine is any machine; with free only one that nobody has, or may have.
	AsideMachine(ctx context.Context, machine metal.MachineID, free bool) (metal.Machine, error)
	ReadingStore
}

// Keeper is a management controller as somebody sees it who keeps it in order.
type Keeper interface {
	Power(ctx context.Context, bmc metal.BMC) (metal.Power, error)
	// Read asks for all that it knows, and for log entries after the mark.
	Read(ctx context.Context, bmc metal.BMC, mark string) (metal.Reading, error)
	// SetPassword changes a user's password, and returns once the new one opens.
	SetPassword(ctx context.Context, bmc metal.BMC, next metal.Credential) error
	// Secure brings users, LAN and firmware settings to what is wished, and lists
	// what was otherwise.
	Secure(ctx context.Context, bmc metal.BMC, want metal.BMCWish) ([]metal.Finding, error)
	SetPower(ctx context.Context, bmc metal.BMC, power metal.Power) error
	ClearLog(ctx context.Context, bmc metal.BMC) error
	// ColdReset starts the BMC anew, and returns once it answers.
	ColdReset(ctx context.Context, bmc metal.BMC) error
}

// Passwords makes BMCs' passwords, and keeps one that works on record at every
// moment of a change.
type Passwords interface {
	Next(ctx context.Context, machine metal.MachineID, user string, length int) (metal.Credential, error)
	Promote(ctx context.Context, machine metal.MachineID, cred metal.Credential) error
}

// RotatePasswordInput names the claim on the machine.
type RotatePasswordInput struct {
	Claim metal.Claim
}

// RotatePasswordResult is empty: passwords stay where they are made.
type RotatePasswordResult struct{}

// passwordLength is what every BMC takes: IPMI 2.0 has room for 20 bytes, some
// firmwares for 16.
const passwordLength = 16

// RotatePassword gives the BMC a password that nobody has seen. A repeat sets
// the same one: after a crash the BMC has the old one or the new.
func (g *Guard) RotatePassword(ctx context.Context, in RotatePasswordInput) (RotatePasswordResult, error) {
	defer beat(ctx)()
	machine, err := g.Store.HeldMachine(ctx, in.Claim)
	if err != nil {
		return RotatePasswordResult{}, classify(err)
	}
	return RotatePasswordResult{}, g.outcome(ctx, machine.ID, g.rotate(ctx, in.Claim, machine.BMC))
}

// outcome is what the run hears of an error; that a BMC stays silent, or refuses
// us, becomes an issue of its machine too. What the caller cut off says nothing.
func (g *Guard) outcome(ctx context.Context, machine metal.MachineID, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, metal.ErrNoSecret) || errors.Is(err, metal.ErrStaleClaim) {
		return classify(err)
	}
	if noted := unheard(ctx, g.Store, machine, err); noted != nil {
		return errors.Join(err, noted)
	}
	return classify(err)
}

func (g *Guard) rotate(ctx context.Context, claim metal.Claim, b metal.BMC) error {
	old, err := g.Credentials(ctx, b.Credential)
	if err != nil {
		return err
	}
	next, err := g.Passwords.Next(ctx, claim.Machine, old.User, passwordLength)
	if err != nil {
		return err
	}
	err = g.BMC.SetPassword(ctx, b, next)
	if errors.Is(err, metal.ErrBadCredentials) { // of an earlier attempt, it may be set already
		b.Credential = metal.NextBMCCredential(claim.Machine)
		if _, opens := g.BMC.Power(ctx, b); opens == nil {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	if err := g.Passwords.Promote(ctx, claim.Machine, next); err != nil {
		return err
	}
	return g.Store.Event(ctx, claim, "bmc", "the BMC of machine "+string(claim.Machine)+" has a new password")
}

// SecureBMCInput names the claim on the machine.
type SecureBMCInput struct {
	Claim metal.Claim
	// Quiet brings it in order without a word: it is new, and nobody's settings
	// are nobody's doing.
	Quiet bool `json:",omitempty"`
	// Afresh closes what patrols found: this run proves everything anew.
	Afresh bool `json:",omitempty"`
	// Rotate gives it a new password, where the one it has is ours: a tenant may
	// have read that.
	Rotate bool `json:",omitempty"`
}

// SecureBMCResult says what keeps the machine from the pool.
type SecureBMCResult struct {
	Blocking []string `json:",omitempty"`
}

// SecureBMC brings the BMC's password, users, LAN settings and the firmware's settings to
// what they should be, and reads the machine's health and firmware. What was
// otherwise is an issue of the machine: nothing that a tenant could have touched
// is trusted. Boot entries are no sin, as every installed system adds its own;
// those that cannot be removed are.
func (g *Guard) SecureBMC(ctx context.Context, in SecureBMCInput) (SecureBMCResult, error) {
	defer beat(ctx)()
	machine, err := g.Store.HeldMachine(ctx, in.Claim)
	if err != nil {
		return SecureBMCResult{}, classify(err)
	}
	fitness, err := g.Store.FitnessOf(ctx, machine.Plan)
	if err != nil {
		return SecureBMCResult{}, classify(err)
	}
	if in.Rotate && machine.BMC.Credential == metal.BMCCredential(machine.ID) {
		if err := g.rotate(ctx, in.Claim, machine.BMC); err != nil {
			return SecureBMCResult{}, g.outcome(ctx, machine.ID, err)
		}
	}
	if in.Afresh {
		if _, err := g.Store.RecordFindings(ctx, metal.Found{Machine: machine.ID, Look: metal.LookPatrol}); err != nil {
			return SecureBMCResult{}, classify(err)
		}
	}
	findings, err := g.secure(ctx, machine, fitness)
	if err != nil && len(findings) > 0 && !in.Quiet { // what was mended before the error, the next attempt does not meet
		_, kept := g.Store.RecordFindings(ctx, metal.Found{Machine: machine.ID, Look: metal.LookBMC, Findings: findings, Partial: true})
		err = errors.Join(err, kept)
	}
	if err != nil || in.Quiet {
		return SecureBMCResult{}, g.outcome(ctx, machine.ID, err)
	}
	if in.Rotate && !machine.Proven {
		findings = mended(findings) // nobody brought it in order before: whose doing it was, nobody knows
	}
	verdict, err := g.look(ctx, machine.BMC, findings, fitness.Baseline, in.Rotate)
	return SecureBMCResult{Blocking: verdict.Blocking}, g.outcome(ctx, machine.ID, err)
}

func (g *Guard) secure(ctx context.Context, machine metal.Machine, fitness metal.Fitness) ([]metal.Finding, error) {
	cred, err := g.Credentials(ctx, machine.BMC.Credential)
	if err != nil {
		return nil, err
	}
	want := metal.BMCWish{User: cred.User, Boot: machine.Firmware, Settings: fitness.Settings, Address: addressOf(machine.BMC)}
	found, err := g.BMC.Secure(ctx, machine.BMC, want)
	if err != nil || !has(found, metal.BootOrder) {
		return found, err
	}
	left, err := g.BMC.Secure(ctx, machine.BMC, want)
	if err == nil && !has(left, metal.BootOrder) {
		found = mended(found, metal.BootOrder)
	}
	return found, err
}

// addressOf is the BMC's address, where it is known by one and not by a name.
func addressOf(b metal.BMC) string {
	host, _, err := net.SplitHostPort(b.Address)
	if err != nil {
		host = b.Address
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return ""
	}
	return host
}

func has(findings []metal.Finding, kind metal.IssueKind) bool {
	for _, f := range findings {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// mended makes notes of findings of these kinds, or of all where none is named.
func mended(findings []metal.Finding, kinds ...metal.IssueKind) []metal.Finding {
	findings = slices.Clone(findings)
	for i := range findings {
		if len(kinds) == 0 || slices.Contains(kinds, findings[i].Kind) {
			findings[i].Severity = metal.Note
		}
	}
	return findings
}

// look reads the machine, and records its health beside what was found of its
// settings.
//
// After a tenant it closes nothing: a repeat, after an answer that was lost, finds
// mended what the first attempt found. A proof begins by closing what was.
func (g *Guard) look(ctx context.Context, b metal.BMC, settings []metal.Finding, baseline map[string]string, partial bool) (metal.Verdict, error) {
	r, err := read(ctx, g.Store, g.BMC, b)
	if err != nil {
		return metal.Verdict{}, err
	}
	_, firmware := apart(g.Judge.Reading(r, baseline))
	verdict, err := g.Store.RecordFindings(ctx, metal.Found{Machine: b.Machine, Look: metal.LookBMC, Findings: append(settings, firmware...), Partial: partial})
	if err != nil {
		return verdict, err
	}
	return verdict, keep(ctx, g.Store, g.Judge, r, baseline)
}

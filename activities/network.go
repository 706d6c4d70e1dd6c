package activities

import (
	"context"

	"millwright/internal/metal"
)

// Network brings switch ports to what they should be.
type Network struct {
	Store     PortStore
	Committer *Committer
}

// PortStore keeps what each port should be, and what its switch made of it.
type PortStore interface {
	// SetPorts writes the intent for the ports of a claimed machine, and returns
	// them with the generations to be read back.
	SetPorts(ctx context.Context, claim metal.Claim, profile metal.Profile) ([]metal.PortGeneration, error)
	Switch(ctx context.Context, id metal.SwitchID) (metal.Switch, error)
	// PendingPorts are those whose intent was not read back yet.
	PendingPorts(ctx context.Context, id metal.SwitchID) (metal.Change, error)
	// PortsCommitted notes what was read back, and what was refused.
	PortsCommitted(ctx context.Context, id metal.SwitchID, change metal.Change, done metal.Committed) error
	PortOutcomes(ctx context.Context, id metal.SwitchID, names []string) (map[string]metal.PortOutcome, error)
	// Event records a sentence about a device and its machine.
	Event(ctx context.Context, claim metal.Claim, kind, body string) error
}

// SwitchDriver speaks to one vendor's switches.
type SwitchDriver interface {
	// Apply takes the switch's lock, asks what is pending, and brings about as
	// much of it as the switch takes, in one commit that is read back.
	Apply(ctx context.Context, sw metal.Switch, pending func(context.Context) (metal.Change, error)) (metal.Committed, error)
}

// ParkPortInput names the claim on the machine whose ports are to be isolated.
type ParkPortInput struct {
	Claim metal.Claim
}

// ParkPortResult is empty.
type ParkPortResult struct{}

// ParkPort isolates the machine's ports: they reach the boot services and
// nothing else. It returns once the switch reads back so.
func (n *Network) ParkPort(ctx context.Context, in ParkPortInput) (ParkPortResult, error) {
	return ParkPortResult{}, n.bring(ctx, in.Claim, metal.Parked)
}

// OpenPortInput names the claim on the machine whose ports get its tenant's
// addresses.
type OpenPortInput struct {
	Claim metal.Claim
}

// OpenPortResult is empty.
type OpenPortResult struct{}

// OpenPort routes the device's addresses to the machine's ports, beside the
// install links. It returns once the switch reads back so.
func (n *Network) OpenPort(ctx context.Context, in OpenPortInput) (OpenPortResult, error) {
	return OpenPortResult{}, n.bring(ctx, in.Claim, metal.Tenant)
}

// bring writes the intent, then waits until a commit of each port's switch, by
// this activity or another, has read it back.
func (n *Network) bring(ctx context.Context, claim metal.Claim, profile metal.Profile) error {
	defer beat(ctx)()
	want, err := n.Store.SetPorts(ctx, claim, profile)
	if err == nil {
		err = n.Committer.Bring(ctx, want)
	}
	for _, w := range want {
		if err == nil {
			err = n.Store.Event(ctx, claim, "port", "port "+w.Port.String()+" is "+string(profile))
		}
	}
	return classify(err)
}

// BringPortsInput names ports whose intent was written already, and as of
// which generation they are to be read back.
type BringPortsInput struct {
	Ports []metal.PortGeneration
}

// BringPortsResult is empty.
type BringPortsResult struct{}

// BringPorts returns once the switches of the ports read back as intended.
func (n *Network) BringPorts(ctx context.Context, in BringPortsInput) (BringPortsResult, error) {
	defer beat(ctx)()
	return BringPortsResult{}, classify(n.Committer.Bring(ctx, in.Ports))
}

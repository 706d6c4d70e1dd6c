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

// PortStore keeps what each port should be.
type PortStore interface {
	// SetPort writes the intent for the port of a claimed machine, and returns
	// the port with the generation to be read back.
	SetPort(ctx context.Context, claim metal.Claim, profile metal.Profile) (metal.PortGeneration, error)
	// PortIntents are the named ports of a switch as they should be.
	PortIntents(ctx context.Context, id metal.SwitchID, names []string) (metal.Switch, []metal.PortIntent, error)
	// PortsApplied notes what was read back.
	PortsApplied(ctx context.Context, ports []metal.PortIntent) error
	// Event records a sentence about a device and its machine.
	Event(ctx context.Context, claim metal.Claim, kind, body string) error
}

// ParkPortInput names the claim on the machine whose port is to be isolated.
type ParkPortInput struct {
	Claim metal.Claim
}

// ParkPortResult is empty.
type ParkPortResult struct{}

// ParkPort isolates the machine's port: it reaches the boot services and
// nothing else. It returns once the switch reads back so.
func (n *Network) ParkPort(ctx context.Context, in ParkPortInput) (ParkPortResult, error) {
	return ParkPortResult{}, n.bring(ctx, in.Claim, metal.Parked)
}

// OpenPortInput names the claim on the machine whose port gets its tenant's
// addresses.
type OpenPortInput struct {
	Claim metal.Claim
}

// OpenPortResult is empty.
type OpenPortResult struct{}

// OpenPort routes the device's addresses to the machine's port, beside the
// install link. It returns once the switch reads back so.
func (n *Network) OpenPort(ctx context.Context, in OpenPortInput) (OpenPortResult, error) {
	return OpenPortResult{}, n.bring(ctx, in.Claim, metal.Tenant)
}

// bring writes the intent, then waits until a commit of the port's switch, by
// this activity or another, has read it back.
func (n *Network) bring(ctx context.Context, claim metal.Claim, profile metal.Profile) error {
	defer beat(ctx)()
	want, err := n.Store.SetPort(ctx, claim, profile)
	if err == nil {
		err = n.Committer.Bring(ctx, want)
	}
	if err == nil {
		err = n.Store.Event(ctx, claim, "port", "port "+want.Port.String()+" is "+string(profile))
	}
	return classify(err)
}

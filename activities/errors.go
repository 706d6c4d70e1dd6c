package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"millwright/internal/metal"
)

// Published error types: what an operator reads in the Temporal UI, and what
// docs/operations.md explains one by one. Never renamed.
const (
	BadCredentials = "BadCredentials"
	ConfigRefused  = "ConfigRefused"
	WrongIdentity  = "WrongIdentity"
	Unsupported    = "Unsupported"
	NoMachine      = "NoMachine"
	NoAddress      = "NoAddress"
	StaleClaim     = "StaleClaim"
	UnknownDevice  = "UnknownDevice"
	UnknownMachine = "UnknownMachine"
	InvalidOrder   = "InvalidOrder"
	OrderConflict  = "OrderConflict"
	WrongState     = "WrongState"
	NoSecret       = "NoSecret"
	InvalidPrefix  = "InvalidPrefix"
	AddressInUse   = "AddressInUse"
	NotAllowed     = "NotAllowed"
	QuotaReached   = "QuotaReached"
	InvalidName    = "InvalidName"
	NameTaken      = "NameTaken"
	BadZone        = "BadZone"
)

// permanent lists what no retry can mend, by its published type. Everything
// else is weather: Temporal tries it again until the profile's time is up.
var permanent = []struct {
	sentinel error
	name     string
}{
	{metal.ErrBadCredentials, BadCredentials},
	{metal.ErrConfigRefused, ConfigRefused},
	{metal.ErrFingerprint, WrongIdentity},
	{metal.ErrUnsupported, Unsupported},
	{metal.ErrNoMachine, NoMachine},
	{metal.ErrNoAddress, NoAddress},
	{metal.ErrStaleClaim, StaleClaim},
	{metal.ErrUnknownDevice, UnknownDevice},
	{metal.ErrUnknownMachine, UnknownMachine},
	{metal.ErrUnknownFleet, InvalidOrder}, // its row was written before anything else
	{metal.ErrInvalidOrder, InvalidOrder},
	{metal.ErrOrderConflict, OrderConflict},
	{metal.ErrWrongState, WrongState},
	{metal.ErrNoSecret, NoSecret},
	{metal.ErrInvalidPrefix, InvalidPrefix},
	{metal.ErrInUse, AddressInUse},
	{metal.ErrNotAllowed, NotAllowed},
	{metal.ErrQuota, QuotaReached},
	{metal.ErrInvalidName, InvalidName},
	{metal.ErrNameTaken, NameTaken},
	{metal.ErrBadZone, BadZone},
}

// classify is the one place where a driver's error meets Temporal.
func classify(err error) error {
	for _, p := range permanent {
		if errors.Is(err, p.sentinel) {
			return temporal.NewNonRetryableApplicationError(err.Error(), p.name, nil)
		}
	}
	return err
}

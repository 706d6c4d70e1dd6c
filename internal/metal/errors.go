package metal

import "errors"

// Sentinels for what no retry can mend. Whatever is not one of these is
// weather, and is tried again. Drivers and stores wrap them with what they
// were doing and to whom; activities give each its published type.
var (
	ErrBadCredentials  = errors.New("credentials refused")
	ErrConfigRefused   = errors.New("configuration refused by the switch")
	ErrFingerprint     = errors.New("identity is not the pinned one")
	ErrUnsupported     = errors.New("not supported by this hardware")
	ErrNoMachine       = errors.New("no idle machine")
	ErrNoAddress       = errors.New("no free address")
	ErrStaleClaim      = errors.New("claim is no longer held")
	ErrUnknownDevice   = errors.New("no such device")
	ErrUnknownMachine  = errors.New("no such machine")
	ErrUnknownFleet    = errors.New("no such fleet")
	ErrInvalidOrder    = errors.New("invalid order")
	ErrOrderConflict   = errors.New("order ID already used for something else")
	ErrWrongState      = errors.New("not possible in this state")
	ErrNoSecret        = errors.New("no such credential")
	ErrUnprovenErasure = errors.New("erasure not proven")
	ErrRunOver         = errors.New("the run is over")
	ErrInvalidPrefix   = errors.New("not a usable prefix")
	ErrOverlap         = errors.New("overlaps what is there")
	ErrInUse           = errors.New("in use")
	ErrQuarantined     = errors.New("in quarantine")
	ErrQuota           = errors.New("quota reached")
	ErrNotAllowed      = errors.New("not allowed")
)

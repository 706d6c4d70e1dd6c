package metal

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// ErrUnknownReservation is for a reservation that nobody has asked for.
var ErrUnknownReservation = errors.New("no such reservation")

// ReservationID is a lower-case UUID, chosen by whoever asks: asking twice is
// asking once.
type ReservationID string

// ReservationWish is what somebody asks for: elastic addresses of a project,
// which outlive its devices.
type ReservationWish struct {
	ID      ReservationID
	Project ProjectID
	Site    SiteID       // empty for global anycast
	Family  int          // 4 or 6
	Bits    int          // length: /32 to /24, of IPv6 /64 to /48
	Wanted  netip.Prefix // the very prefix; invalid where any will do
	Tags    []string
	Note    string // why
}

// ReservationStatus is how a wish stands.
type ReservationStatus struct {
	ReservationWish
	State   ReservationState
	Prefix  netip.Prefix // what it got; invalid while it waits, and where it was denied
	AskedAt time.Time
	Decided time.Time // when it was made or denied; zero while it waits
	Ended   time.Time // zero while it waits or lasts
}

// ReservationState is where a reservation is in its life.
type ReservationState string

// A small reservation is created at once; a large one waits for an operator.
const (
	ReservationPending  ReservationState = "pending"
	ReservationCreated  ReservationState = "created"
	ReservationDenied   ReservationState = "denied"
	ReservationReleased ReservationState = "released"
)

// Sizes of reservations, by family. What is larger than free waits for an
// operator: a project that takes a /26 by mistake costs more than a wait.
var (
	smallestReservation = map[int]int{4: 32, 6: 64}
	largestReservation  = map[int]int{4: 24, 6: 48}
	largestUnasked      = map[int]int{4: 29, 6: 56}
)

// Large says whether an operator is asked.
func (w ReservationWish) Large() bool { return w.Bits < largestUnasked[w.Family] }

// Role is what blocks the reservation can be cut from are for.
func (w ReservationWish) Role() Role {
	if w.Site == "" {
		return Anycast
	}
	return Public
}

// Check names the first thing that cannot be, whoever asks.
func (w ReservationWish) Check() error {
	most, known := smallestReservation[w.Family]
	family, prefix := 6, w.Wanted
	if prefix.Addr().Is4() {
		family = 4
	}
	switch {
	case !uuid.MatchString(string(w.ID)):
		return fmt.Errorf("reservation: %w: ID %q is no lower-case UUID", ErrNotAllowed, w.ID)
	case !slug.MatchString(string(w.Project)):
		return fmt.Errorf("reservation %s: %w: project %q is not a name; name one in lower case", w.ID, ErrNotAllowed, w.Project)
	case !known:
		return fmt.Errorf("reservation %s: %w: family %d; ask for 4 or 6", w.ID, ErrInvalidPrefix, w.Family)
	case w.Bits < largestReservation[w.Family] || w.Bits > most:
		return fmt.Errorf("reservation %s: %w: a /%d; IPv%d is reserved in /%d to /%d", w.ID, ErrInvalidPrefix, w.Bits, w.Family, largestReservation[w.Family], most)
	case prefix.IsValid() && (family != w.Family || prefix.Bits() != w.Bits || prefix != prefix.Masked()):
		return fmt.Errorf("reservation %s: %w: it asks for %s, and for an IPv%d /%d; make them agree", w.ID, ErrInvalidPrefix, prefix, w.Family, w.Bits)
	}
	return nil
}

// CheckProject refuses what is no project's name.
func CheckProject(id ProjectID) error {
	if !slug.MatchString(string(id)) {
		return fmt.Errorf("project %q: %w: it is not a name; write lower-case letters, digits, dots, dashes and underscores", id, ErrNotAllowed)
	}
	return nil
}

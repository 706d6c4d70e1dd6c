package metal

import (
	"encoding/json"
	"time"
)

// DeviceWish is a device that somebody orders through the API: its order, but
// for the site, and what an order does not say.
type DeviceWish struct {
	Order        OrderInput
	Sites        []SiteID // one of which it shall be at
	UserData     []byte
	Description  string
	BillingCycle string
	Locked       bool
	Frozen       bool
	TerminateAt  time.Time
	Links        []string              // "public4", "private4", "public6"
	KeyIDs       []string              // which keys the order's were taken from
	Reservation  HardwareReservationID // of hardware: an ID, NextAvailable or empty
	Batch        string
}

// DeviceWishes are ordered together, or not at all.
type DeviceWishes struct {
	Project ProjectID
	Creator UserID
	Devices []DeviceWish
	Batches []Batch
}

// Batch is devices that were ordered together.
type Batch struct {
	ID       string
	Project  ProjectID
	Quantity int
	Spread   int // at how many sites at least
	Created  time.Time
	Devices  []DeviceID
	Waiting  int      // how many are not there yet
	Failures []string // a sentence for each that failed
}

// GivenOrder is an order that stands in the database, for whoever starts its run.
type GivenOrder struct {
	ID    OrderID
	Input []byte // canonical JSON
}

// DeviceChange is what becomes of a device; nil leaves something as it is.
type DeviceChange struct {
	Hostname, Description, BillingCycle, ScriptURL *string
	Tags                                           []string
	UserData                                       []byte // empty and not nil: none
	CustomData                                     json.RawMessage
	Locked, Frozen, AlwaysPXE                      *bool
	TerminateAt                                    *time.Time // zero: never
}

// KeyChoice says whose SSH keys a device gets.
type KeyChoice struct {
	Project ProjectID
	Caller  UserID
	All     bool     // of the project, and of everybody in it
	Ours    []string // IDs of keys of the project
	People  []string // IDs of users, or of keys of theirs
}

// ChosenKey is one of them.
type ChosenKey struct {
	ID  string
	Key string
}

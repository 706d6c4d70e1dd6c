package metal

import (
	"net/netip"
	"time"
)

// Aggregate is address space as a registry gave it. All blocks are cut from
// aggregates.
type Aggregate struct {
	Prefix   netip.Prefix
	Registry string    // "ripe", "arin", …; "rfc1918", "rfc4193" and the like for what nobody allocates
	Status   string    // the registry's word: "ALLOCATED PA", "ASSIGNED", …; may be empty
	Given    time.Time // when the registry gave it; zero where unknown
	Note     string
}

// Block is a range of addresses that leases are cut from. A block of a project
// is cut from a site's block: its private /25, its IPv6 /56, or an elastic
// reservation.
type Block struct {
	Prefix   netip.Prefix
	Parent   netip.Prefix // the block, or else the aggregate, that it was cut from
	Site     SiteID       // empty for global anycast, which any site may announce
	Role     Role
	Purpose  Purpose
	Project  ProjectID // empty unless Purpose says that a project has it
	Note     string
	MadeAt   time.Time
	Projects []ProjectID // who may take from it; empty: all
}

// Purpose says how a block is used.
type Purpose string

const (
	Pool        Purpose = "pool"        // shared by the site's projects
	Own         Purpose = "own"         // a project's, filled with its devices' links by Millwright
	Reservation Purpose = "reservation" // a project's elastic addresses, assigned to devices as the project likes
)

// PieceState says whether a piece can be given out.
type PieceState string

const (
	Free    PieceState = "free"
	Held    PieceState = "held"
	Resting PieceState = "quarantined" // given back a while ago; neighbours may remember it
)

// Piece is one of the prefixes that tile a block: free, held or in quarantine.
// Together they are the whole block, always.
type Piece struct {
	Prefix  netip.Prefix
	Block   netip.Prefix // the innermost block that it is in
	State   PieceState
	Holder  Holder    // of a held piece
	Ask     string    // which of its holder's: "public4", "198.51.100.7/32", …
	Since   time.Time // when it was taken, or given back; zero for a free one
	FreedAt time.Time // when a quarantine ends; zero unless Resting
}

// Holder names who has a piece: "device/<id>", "port/<switch>:<name>",
// "project/<id>", or what an import said.
type Holder string

// Holding kinds, as a Holder begins.
const (
	DeviceHolder   = "device/"
	PortHolder     = "port/"
	ProjectHolder  = "project/"
	ImportedHolder = "imported/"
)

// Tenure is one holding of a prefix, over or not: what an abuse desk asks for.
type Tenure struct {
	Prefix  netip.Prefix
	Block   netip.Prefix
	Role    Role
	Site    SiteID
	Holder  Holder
	Project ProjectID // whose device or reservation it was; empty for ports
	From    time.Time
	Until   time.Time // zero while it lasts
}

// Use is how much of an aggregate, block, role, site or project is in use.
// Sizes are in units: addresses for IPv4, /64s for IPv6, as fractions where a
// piece is smaller; nobody counts IPv6 in addresses.
type Use struct {
	Of          string // what is counted: "198.51.100.0/24", "public", "lab1", "acme"
	Family      int    // 4 or 6: the two are never added up
	Total       float64
	Held        float64
	Resting     float64
	Free        float64
	LongestFree netip.Prefix // the largest free piece, as a prefix; invalid where nothing is free
	PerDay      float64      // net growth of Held, over the last week; negative where it shrinks
}

// DaysLeft is how long the free space lasts at the present rate; false where
// nothing grows.
func (u Use) DaysLeft() (float64, bool) {
	if u.PerDay <= 0 {
		return 0, false
	}
	return u.Free / u.PerDay, true
}

package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"millwright/internal/metal"
)

// round is what a tenant does from one device's order to its end. All of it is
// drawn at once, whatever comes of it, so that a seed's rounds are the same each
// time.
type round struct {
	number    int
	pause     time.Duration // before it begins
	provision how
	impatient time.Duration // after which the device is given up unseen; zero waits for it
	acts      []act
	farewell  how
}

// how an order is given.
type how struct {
	api   bool // by starter's API, else to Temporal
	twice bool
}

// act is one thing done with a device.
type act struct {
	action metal.Action // empty moves the tenant's address
	to     holder       // of a move
	how    how
}

// holder is who gets an elastic address.
type holder int

const (
	nobody holder = iota
	mine
	neighbours // the device of the tenant beside, if it has one
)

const (
	hasty    = 0.12 // rounds that nobody waits for
	repeated = 0.15 // orders that are given twice
	mostActs = 4
)

// drawRound is a tenant's next round.
func drawRound(random *rand.Rand, number int) round {
	r := round{number: number, pause: time.Duration(random.Int64N(int64(2 * time.Second))), provision: drawHow(random), farewell: drawHow(random)}
	after := time.Duration(random.Int64N(int64(6 * time.Second)))
	if random.Float64() < hasty {
		r.impatient = after + time.Millisecond
	}
	for range 1 + random.IntN(mostActs) {
		r.acts = append(r.acts, drawActs(random)...)
	}
	return r
}

func drawHow(random *rand.Rand) how {
	return how{api: random.IntN(2) == 0, twice: random.Float64() < repeated}
}

// drawActs is one thing that somebody does; off is followed by on.
func drawActs(random *rand.Rand) []act {
	way := drawHow(random)
	switch n := random.IntN(10); {
	case n < 3:
		return []act{{action: metal.ActionReinstall, how: way}}
	case n < 4:
		return []act{{action: metal.ActionPowerOff, how: way}, {action: metal.ActionPowerOn, how: way}}
	case n < 6:
		return []act{{action: metal.ActionReboot, how: way}}
	case n < 8:
		return []act{{to: mine}}
	case n < 9:
		return []act{{to: neighbours}}
	}
	return []act{{to: nobody}}
}

// rounds of a tenant, each drawn when it is asked for.
func rounds(seed uint64, tenant int) func() round {
	random := rand.New(rand.NewPCG(seed, uint64(tenant)))
	n := 0
	return func() round { n++; return drawRound(random, n) }
}

func (r round) String() string {
	text := fmt.Sprintf("round %d: provision", r.number)
	if r.impatient > 0 {
		return text + ", given up after " + r.impatient.Round(100*time.Millisecond).String()
	}
	for _, a := range r.acts {
		text += ", " + a.String()
	}
	return text + ", deprovision"
}

func (a act) String() string {
	if a.action != "" {
		return string(a.action)
	}
	return "address to " + []string{"nobody", "itself", "a neighbour"}[a.to]
}

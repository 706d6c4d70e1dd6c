package main

import (
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Kinds of disturbance. Each is counted by its name.
const (
	kill    = "kill"    // of a program with -9, started again later
	freeze  = "freeze"  // SIGSTOP, and SIGCONT later
	cut     = "cut"     // connections reset, in the middle of whatever they carry
	refuse  = "refuse"  // connections reset, new ones refused
	silence = "silence" // connections stay open and carry nothing
	slow    = "slow"    // each piece of a connection takes a while
	fault   = "fault"   // a switch misbehaves by its own protocol, once
	full    = "full"    // Postgres' disk has no room left
)

// bmcGroups is how many groups the BMCs are disturbed in: one of 200 would
// rarely be one that a run speaks to.
const bmcGroups = 4

// workers of a chaos: what one has in hand when it dies, the other one takes.
const workers = 2

// sortsOf are the disturbances that can strike a rig with these switches.
func sortsOf(switches []metal.SwitchID, disk bool) []sort {
	programs, lines, devices, bmcs := programs(), lines(), []string{}, []string{}
	for _, s := range switches {
		devices = append(devices, "switch/"+string(s))
	}
	for i := range bmcGroups {
		bmcs = append(bmcs, fmt.Sprintf("bmcs/%d", i+1))
	}
	all := []sort{
		{kill, programs, 20, 0, 4 * time.Second},
		{kill, []string{"postgres"}, 4, 0, 3 * time.Second},
		{kill, []string{"temporal"}, 3, 0, 3 * time.Second},
		{freeze, programs, 8, time.Second, 12 * time.Second},
		{freeze, []string{"postgres", "temporal"}, 4, time.Second, 8 * time.Second},
		{cut, lines, 14, 0, 0},
		{refuse, lines, 6, time.Second, 8 * time.Second},
		{silence, lines, 8, time.Second, 12 * time.Second},
		{slow, lines, 4, time.Second, 12 * time.Second},
		{cut, devices, 6, 0, 0},
		{refuse, devices, 4, time.Second, 10 * time.Second},
		{silence, devices, 3, time.Second, 10 * time.Second},
		{slow, devices, 3, time.Second, 10 * time.Second},
		{fault, devices, 5, 5 * time.Second, 10 * time.Second},
		{cut, bmcs, 5, 0, 0},
		{refuse, bmcs, 4, time.Second, 12 * time.Second},
		{silence, bmcs, 4, time.Second, 12 * time.Second},
		{slow, bmcs, 3, time.Second, 12 * time.Second},
	}
	if disk {
		all = append(all, sort{full, []string{"disk"}, 3, time.Second, 5 * time.Second})
	}
	return all
}

// programs are ours; whoever starts them again is a supervisor, as systemd is.
func programs() []string {
	all := []string{"boot", "starter"}
	for i := range workers {
		all = append(all, fmt.Sprintf("worker-%d", i+1))
	}
	return all
}

// lines are the connections that something of ours stands in.
func lines() []string {
	all := []string{lineName("temporal", "postgres")}
	for _, program := range programs() {
		all = append(all, lineName(program, "postgres"), lineName(program, "temporal"))
	}
	return all
}

func lineName(from, to string) string { return from + "→" + to }

package survey_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/survey"
)

const (
	ours   metal.DeviceID = "11111111-1111-4111-8111-111111111111"
	theirs metal.DeviceID = "22222222-2222-4222-8222-222222222222"
)

var (
	port    = metal.Port{Switch: "tor-r1", Name: "xe-0/0/1"}
	other   = metal.Port{Switch: "tor-r2", Name: "xe-0/0/2"}
	install = netip.MustParsePrefix("10.0.0.0/31")
	link    = netip.MustParsePrefix("198.51.100.0/31")
	foreign = netip.MustParsePrefix("198.51.100.2/31")
)

// world is a site of two ports: the install link is on the first, and whatever
// else is given.
func world(first, second []netip.Prefix, dark ...metal.SwitchID) survey.World {
	w := survey.World{
		Carried: map[metal.Port]metal.Carried{
			port:  {Port: port, Words: "millwright m1 parked", Prefixes: append([]netip.Prefix{install}, first...)},
			other: {Port: other, Words: "millwright m2 parked", Prefixes: second},
		},
		Dark:     map[metal.SwitchID]bool{},
		Leases:   map[metal.DeviceID][]netip.Prefix{ours: {link}, theirs: {foreign}},
		Patience: 90 * time.Second, Looks: 3,
	}
	for _, id := range dark {
		w.Dark[id] = true
	}
	return w
}

func vacant(state metal.MachineState, f survey.Found) survey.Record {
	return survey.Record{Machine: "m1", State: state, Ports: []survey.Port{{Port: port, Install: install}}, Found: f}
}

func lived(state metal.DeviceState, open bool, f survey.Found) survey.Record {
	r := vacant(metal.Occupied, f)
	r.Device, r.DeviceState, r.Ports[0].Open = ours, state, open
	return r
}

func warm(f survey.Found) survey.Record {
	r := vacant(metal.Idle, f)
	r.Warm = true
	return r
}

func TestWhatIsOnSwitchesAndMachinesWinsOrIsCalledOut(t *testing.T) {
	t.Parallel()
	on, off := survey.Found{Power: metal.On, On: time.Hour}, survey.Found{Power: metal.Off}
	fresh := survey.Found{Power: metal.On, On: time.Second}
	heard := survey.Found{Power: metal.On, On: time.Second, Heard: true}
	stray := survey.Found{Power: metal.On, Stray: 9}
	silent := survey.Found{Kind: metal.BMCSilent, Problem: "timeout", Looks: 1}
	gone := survey.Found{Kind: metal.BMCSilent, Problem: "timeout", Looks: 3}
	refuses := survey.Found{Kind: metal.BMCRefuses, Problem: "login failed", Looks: 1}
	none := []netip.Prefix(nil)
	for name, c := range map[string]struct {
		world  survey.World
		record survey.Record
		want   survey.Outcome
		why    string
		holds  int
	}{
		"an idle machine that is off":                    {world(none, none), vacant(metal.Idle, off), survey.Agrees, "", 0},
		"an idle machine that is on":                     {world(none, none), vacant(metal.Idle, on), survey.Aside, "it is on", 0},
		"an idle machine that routes somebody":           {world([]netip.Prefix{foreign}, none), vacant(metal.Idle, off), survey.Aside, "routes 198.51.100.2/31", 1},
		"a warm machine whose agent spoke":               {world(none, none), warm(heard), survey.Agrees, "", 0},
		"a warm machine whose agent has a moment yet":    {world(none, none), warm(fresh), survey.Waits, "has not spoken", 0},
		"a warm machine whose agent stays silent":        {world(none, none), warm(on), survey.Aside, "it is on", 0},
		"a warm machine with an agent of another boot":   {world(none, none), warm(stray), survey.Aside, "of boot 9", 0},
		"an idle machine that was not asked":             {world(none, none), vacant(metal.Idle, survey.Found{}), survey.Waits, "did not say yet", 0},
		"an idle machine whose BMC is silent":            {world(none, none), vacant(metal.Idle, silent), survey.Waits, "did not say yet", 0},
		"an idle machine whose BMC stays silent":         {world(none, none), vacant(metal.Idle, gone), survey.Aside, "timeout", 0},
		"an idle machine whose BMC refuses us":           {world(none, none), vacant(metal.Idle, refuses), survey.Aside, "login failed", 0},
		"a machine behind a dark switch":                 {world(none, none, "tor-r1"), vacant(metal.Idle, off), survey.Waits, "its switch", 0},
		"a machine whose proof is under way":             {world(none, none), vacant(metal.Claimed, heard), survey.Agrees, "", 0},
		"a proof under an agent of another boot":         {world(none, none), vacant(metal.Claimed, stray), survey.Aside, "of boot 9", 0},
		"a machine in quarantine that is on":             {world(none, none), vacant(metal.Quarantined, on), survey.Agrees, "", 0},
		"a machine in quarantine that routes somebody":   {world([]netip.Prefix{foreign}, none), vacant(metal.Quarantined, on), survey.Aside, "routes", 1},
		"a device on its port":                           {world([]netip.Prefix{link}, none), lived(metal.Active, true, off), survey.Agrees, "", 0},
		"a device on its port with an address more":      {world([]netip.Prefix{link, foreign}, none), lived(metal.Active, true, on), survey.Agrees, "", 1},
		"a device on its port, its BMC dark":             {world([]netip.Prefix{link}, none), lived(metal.Active, true, gone), survey.Agrees, "", 0},
		"a device on its port, another switch dark":      {world([]netip.Prefix{link}, none, "tor-r2"), lived(metal.Active, true, on), survey.Agrees, "", 0},
		"a device whose port routes another":             {world([]netip.Prefix{foreign}, none), lived(metal.Active, true, on), survey.Aside, "none of device", 1},
		"a device whose port is parked":                  {world(none, none), lived(metal.Active, true, off), survey.Aside, "is parked", 0},
		"a device whose port is parked, a switch dark":   {world(none, none, "tor-r2"), lived(metal.Active, true, off), survey.Waits, "may be behind", 0},
		"a device whose address is elsewhere":            {world(none, []netip.Prefix{link}), lived(metal.Provisioning, false, off), survey.Aside, "tor-r2:xe-0/0/2", 0},
		"an install that went on behind a parked port":   {world(none, none), lived(metal.Provisioning, false, heard), survey.Agrees, "", 0},
		"an install whose agent has a moment yet":        {world(none, none), lived(metal.Provisioning, false, fresh), survey.Waits, "has not spoken", 0},
		"an install under an agent of another boot":      {world(none, none), lived(metal.Provisioning, false, stray), survey.Aside, "of boot 9", 0},
		"an install that has ended since":                {world([]netip.Prefix{link}, none), lived(metal.Provisioning, false, on), survey.Installed, "would destroy", 0},
		"a reinstall that has ended since, or not begun": {world([]netip.Prefix{link}, none), lived(metal.Reinstalling, true, on), survey.Installed, "would destroy", 0},
		"a deprovision that has not parked the port":     {world([]netip.Prefix{link}, none), lived(metal.Deprovisioning, true, on), survey.Agrees, "", 0},
		"a deprovision whose machine another has":        {world([]netip.Prefix{foreign}, none), lived(metal.Deprovisioning, true, on), survey.Aside, "none of device", 1},
	} {
		v := c.world.Machine(c.record)
		require.Equal(t, c.want, v.Outcome, "%s: %s", name, v.Why)
		require.Contains(t, v.Why, c.why, name)
		require.Len(t, v.Hold, c.holds, name)
	}
}

func TestADeviceIsFoundByItsNameOnAPortToo(t *testing.T) {
	t.Parallel()
	w := world(nil, nil)
	w.Carried[other] = metal.Carried{Port: other, Words: "millwright m2 " + string(ours), Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.8/31")}}
	at, yes := w.Elsewhere(ours, nil)
	require.True(t, yes)
	require.Equal(t, other, at.Port)
	v := w.Machine(lived(metal.Provisioning, false, survey.Found{Power: metal.Off}))
	require.Equal(t, survey.Aside, v.Outcome, "it was given another machine since")
	_, yes = w.Elsewhere(theirs, nil)
	require.False(t, yes)
}

func TestAnAddressThatCameBackToTheSamePortIsItsNewDevices(t *testing.T) {
	t.Parallel()
	w := world(nil, nil)
	w.Carried[port] = metal.Carried{Port: port, Words: "millwright m1 " + string(theirs), Prefixes: []netip.Prefix{install, link}}
	v := w.Machine(lived(metal.Deprovisioning, true, survey.Found{Power: metal.On}))
	require.Equal(t, survey.Aside, v.Outcome)
	require.Len(t, v.Hold, 1)
}

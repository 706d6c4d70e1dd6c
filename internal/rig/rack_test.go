package rig_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/netrack"
	"millwright/internal/postgres/query"
	"millwright/internal/rig"
	"millwright/workflows"
)

// Packets through a switch that nobody here wrote, driven by runs: an elastic
// address is reached at whoever has it, and the machine that had it can no
// longer send from it; a session that is turned on carries what the project
// reserved, and nothing else.
func TestAnElasticAddressMovesThroughARealSwitch(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 2})
	rack := netrack.New(t, netrack.Options{Name: "tor-k1", Hosts: 2})
	require.NoError(t, r.AddRack(t.Context(), rack, 2))
	first, second := settled(t, r, "one"), settled(t, r, "two")
	reserved, err := r.Store.Reserve(t.Context(), metal.ReservationWish{
		ID: "4f1b8f1e-6a55-4c1a-9a65-0d3b2f6a7b12", Project: "acme", Site: rig.RackSite, Family: 4, Bits: 31,
	})
	require.NoError(t, err)
	elastic := netip.PrefixFrom(reserved.Prefix.Addr(), 32)

	require.NoError(t, r.Move(t.Context(), reserved.ID, elastic, first))
	wears(t, r, rack, first, elastic)
	wears(t, r, rack, second)
	reached(t, rack, elastic.Addr(), true)

	require.NoError(t, r.Move(t.Context(), reserved.ID, elastic, second))
	wears(t, r, rack, second, elastic)
	reached(t, rack, elastic.Addr(), true)
	_, was, err := r.PortOf(t.Context(), rack, first)
	require.NoError(t, err)
	require.False(t, rack.Host(was).Reaches(t.Context(), netrack.OutsideAddress, elastic.Addr()), "the old machine can no longer send from it")

	require.NoError(t, r.Move(t.Context(), reserved.ID, elastic, ""))
	reached(t, rack, elastic.Addr(), false)
	bgp(t, r, rack, first, netip.PrefixFrom(elastic.Addr().Next(), 32))
}

// bgp turns a device's session on and has its machine announce an address.
func bgp(t *testing.T, r *rig.Rig, rack *netrack.Rack, device metal.DeviceID, announced netip.Prefix) {
	t.Helper()
	require.NoError(t, r.Store.Queries().SetProjectBGP(t.Context(), query.SetProjectBGPParams{Project: "acme", Deployment: "local", PeerAs: 65001}))
	run, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(workflows.SessionRun(device)), workflows.Session,
		workflows.SessionInput{Device: device, Family: 4, On: true})
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
	port, i, err := r.PortOf(t.Context(), rack, device)
	require.NoError(t, err)
	require.NotNil(t, port.BGP)
	wears(t, r, rack, device, announced)
	require.NoError(t, rack.Host(i).Announce(t.Context(), *port.BGP, "", announced, netip.MustParsePrefix("9.9.9.9/32")))
	reached(t, rack, announced.Addr(), true)

	check, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(workflows.SwitchRun(rack.Switch().ID)), workflows.CheckSwitch,
		workflows.SwitchInput{Switch: rack.Switch().ID, Site: rig.RackSite})
	require.NoError(t, err)
	var found workflows.SwitchResult
	require.NoError(t, check.Get(t.Context(), &found))
	require.Empty(t, found.Drifts)
	sessions, err := r.Store.Queries().ListSessions(t.Context(), query.ListSessionsParams{Device: string(device)})
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	require.Equal(t, "Established", sessions[0].State)
	require.EqualValues(t, 1, sessions[0].Accepted, "what nobody reserved is not accepted")
}

func settled(t *testing.T, r *rig.Rig, order metal.OrderID) metal.DeviceID {
	t.Helper()
	device, err := r.Settle(t.Context(), order)
	require.NoError(t, err)
	return device
}

// wears gives a device's machine its addresses, as its system would.
func wears(t *testing.T, r *rig.Rig, rack *netrack.Rack, device metal.DeviceID, elastic ...netip.Prefix) {
	t.Helper()
	port, i, err := r.PortOf(t.Context(), rack, device)
	require.NoError(t, err)
	port.Routed = elastic
	require.NoError(t, rack.Host(i).Wear(t.Context(), port))
}

// reached waits until an address answers to the outside, or no longer does.
func reached(t *testing.T, rack *netrack.Rack, address netip.Addr, want bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for rack.Outside.Reaches(ctx, address) != want {
		require.NoError(t, ctx.Err(), "%s: answers is not %t", address, want)
	}
}

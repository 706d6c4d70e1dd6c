package workflows

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// book is a name server: every name with its owner. While it is away it
// answers nobody.
type book struct {
	*world
	away  bool
	names map[string]metal.Holder
	to    map[string]string // what a name leads to
}

var errAway = errors.New("name server: no answer")

func (b *book) Set(_ context.Context, zone metal.Zone, r metal.Record) error {
	return b.set(zone, r.Name, fmt.Sprint(r.Addresses), r.Owner)
}

func (b *book) SetReverse(_ context.Context, zone metal.Zone, p metal.Pointer) error {
	name, err := zone.ReverseName(p.Address)
	if err != nil {
		return err
	}
	return b.set(zone, name, p.Name, p.Owner)
}

func (b *book) set(zone metal.Zone, name, to string, owner metal.Holder) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	if by, taken := b.names[name]; taken && by != owner {
		return &metal.NameTaken{Name: name, By: by, What: "a record"}
	}
	b.names[name], b.to[name] = owner, to
	return zone.Check()
}

func (b *book) Remove(_ context.Context, _ metal.Zone, name string, owner metal.Holder) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	if b.names[name] == owner {
		delete(b.names, name)
		delete(b.to, name)
	}
	return nil
}

// named gives the world's site a zone of names and one of addresses.
func named(t *testing.T) (*world, *book) {
	w := newWorld(t, 3)
	b := &book{world: w, names: map[string]metal.Holder{}, to: map[string]string{}}
	for _, zone := range []string{string(w.site) + ".example", fmt.Sprintf("%d.%d.in-addr.arpa", byte(w.n), 20+w.n/256)} {
		require.NoError(t, w.store.Queries().UpsertZone(t.Context(), query.UpsertZoneParams{
			Name: zone, Site: string(w.site), Server: "ns.example:53", Credential: "dns",
			Addresses: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Ttl: time.Minute,
		}))
	}
	return w, b
}

// with lets a run's activities reach the name server.
func (b *book) with(env *testsuite.TestWorkflowEnvironment) {
	env.RegisterActivity(&activities.Names{Store: b.store, DNS: b})
}

// web orders a device that is called web.
func (w *world) web(id metal.OrderID) RunInput {
	return w.ordered(id, metal.OrderInput{Action: metal.ActionProvision, Hostname: "web"})
}

func (w *world) gone(id metal.OrderID, device metal.DeviceID) RunInput {
	return w.ordered(id, metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
}

func TestNamesComeAndGoWithTheDevice(t *testing.T) {
	t.Parallel()
	w, b := named(t)
	first := w.web("first")
	require.NoError(t, w.run(Provision, first, b.with))
	name := "web.acme." + string(w.site) + ".example"
	require.Equal(t, metal.Holder("device/"+first.Device), b.names[name])
	require.Len(t, b.names, 2, "a name and a PTR; the IPv6 address has no reverse zone here")

	second := w.web("second")
	require.NoError(t, w.run(Provision, second, b.with))
	require.Len(t, b.names, 4)
	require.Equal(t, metal.Holder("device/"+second.Device), b.names["web-"+string(second.Device[:8])+".acme."+string(w.site)+".example"])

	require.NoError(t, w.run(Deprovision, w.gone("gone", first.Device), b.with))
	require.NotContains(t, b.names, name)
	require.Len(t, b.names, 2, "the second device's names stay")
	require.NoError(t, w.run(Deprovision, w.gone("gone-too", second.Device), b.with))
	require.Empty(t, b.names)
	w.accounted()
}

func TestANameServerThatIsAwayKeepsNobodyWaitingForEver(t *testing.T) {
	t.Parallel()
	w, b := named(t)
	b.away = true
	in := w.web("o")
	require.NoError(t, w.run(Provision, in, b.with))
	require.Empty(t, b.names)
	w.accounted()

	names := &activities.Names{Store: b.store, DNS: b}
	require.Error(t, bringNames(t, names, in.Device))
	b.away = false
	require.NoError(t, bringNames(t, names, in.Device))
	require.Len(t, b.names, 2)

	b.away = true
	require.NoError(t, w.run(Deprovision, w.gone("gone", in.Device), b.with))
	require.Len(t, b.names, 2, "they could not be taken away")
	b.away = false
	require.NoError(t, bringNames(t, names, in.Device))
	require.Empty(t, b.names)
}

// bringNames is what reconcile does for an owner whose names are due.
func bringNames(t *testing.T, names *activities.Names, device metal.DeviceID) error {
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.RegisterActivity(names)
	_, err := env.ExecuteActivity(names.BringNames, activities.BringNamesInput{Owner: metal.Holder("device/" + string(device))})
	return err
}

func TestATenantNamesItsOwnAddressesAndNobodyElses(t *testing.T) {
	t.Parallel()
	w, b := named(t)
	in := w.web("o")
	require.NoError(t, w.run(Provision, in, b.with))
	leases, err := w.store.Queries().LeasesOfDevice(t.Context(), string(in.Device))
	require.NoError(t, err)
	var link metal.Link
	for _, l := range leases {
		if l.Role == "public" && l.Prefix.Addr().Is4() {
			link = metal.Link{Prefix: l.Prefix}
		}
	}
	names := &activities.Names{Store: b.store, DNS: b}

	_, err = w.store.SetPointer(t.Context(), "other", link.Machine(), "www.other.example")
	require.ErrorIs(t, err, metal.ErrNotAllowed)
	_, err = w.store.SetPointer(t.Context(), "acme", link.Switch(), "www.acme.example")
	require.ErrorContains(t, err, "it is the switch's end")
	_, err = w.store.SetPointer(t.Context(), "acme", link.Machine(), "*.acme.example")
	require.ErrorIs(t, err, metal.ErrInvalidName)

	owner, err := w.store.SetPointer(t.Context(), "acme", link.Machine(), "WWW.acme.example.")
	require.NoError(t, err)
	require.Equal(t, metal.Holder("device/"+in.Device), owner)
	require.NoError(t, bringNames(t, names, in.Device))
	zone, known := metal.ReverseZone([]metal.Zone{{Name: fmt.Sprintf("%d.%d.in-addr.arpa", byte(w.n), 20+w.n/256)}}, link.Machine())
	require.True(t, known)
	ptr, err := zone.ReverseName(link.Machine())
	require.NoError(t, err)
	require.Equal(t, "www.acme.example", b.to[ptr])

	_, err = w.store.SetPointer(t.Context(), "acme", link.Machine(), "")
	require.NoError(t, err)
	require.NoError(t, bringNames(t, names, in.Device))
	require.Equal(t, "web.acme."+string(w.site)+".example", b.to[ptr])
}

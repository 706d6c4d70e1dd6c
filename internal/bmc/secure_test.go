package bmc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// wish is how the lab's machines should be.
func wish() metal.BMCWish {
	return metal.BMCWish{User: "admin", Boot: metal.UEFI, Settings: redfish.BIOSSettings(), Address: "192.0.2.7"}
}

func kindsOf(found []metal.Finding) (kinds []metal.IssueKind) {
	for _, f := range found {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestABMCIsBroughtInOrderOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first, err := r.driver.Secure(t.Context(), r.record, wish())
	require.NoError(t, err)
	require.Equal(t, []metal.IssueKind{metal.InBandOpen}, kindsOf(first), "it comes with its way in open: %v", first)
	second, err := r.driver.Secure(t.Context(), r.record, wish())
	require.NoError(t, err)
	require.Empty(t, second)
	r.requireNoSessions(t)
}

func TestWhatATenantChangedIsFoundAndSetBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, deed := range []string{redfish.ExtraUser, redfish.ChangedLAN, redfish.ChangedBIOS, redfish.BootEntry} {
		r.arm(t, deed, 0, 0)
	}
	want := wish()
	want.InBand = true
	found, err := r.driver.Secure(t.Context(), r.record, want)
	require.NoError(t, err)
	require.Equal(t, []metal.IssueKind{
		metal.BMCUsers, metal.BMCNetwork, metal.BootOrder, metal.BMCSettings, metal.BMCSettings,
	}, kindsOf(found))
	require.Equal(t, "backdoor", found[0].Part)
	require.Contains(t, found[1].Detail, "203.0.113.66 instead of 192.0.2.7")
	require.Contains(t, found[2].Detail, "their-system")
	require.Contains(t, found[3].Detail, "waits for the next start")
	require.Equal(t, metal.Failing, found[0].Severity)
	require.Equal(t, []string{"admin"}, r.Users())

	again, err := r.driver.Secure(t.Context(), r.record, want)
	require.NoError(t, err)
	require.Equal(t, []metal.IssueKind{metal.BMCSettings, metal.BMCSettings}, kindsOf(again), "settings wait for a start")
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	after, err := r.driver.Secure(t.Context(), r.record, want)
	require.NoError(t, err)
	require.Empty(t, after)
}

func TestTheOtherBootModeIsSetForTheNextStart(t *testing.T) {
	t.Parallel()
	r := setup(t)
	want := metal.BMCWish{Boot: metal.BIOS, InBand: true}
	found, err := r.driver.Secure(t.Context(), r.record, want)
	require.NoError(t, err)
	require.Equal(t, []metal.IssueKind{metal.WrongBootMode}, kindsOf(found))
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	found, err = r.driver.Secure(t.Context(), r.record, want)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestAUserThatIsKeptStays(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.ExtraUser, 0, 0)
	found, err := r.driver.Secure(t.Context(), r.record, metal.BMCWish{User: "admin", Keep: []string{"backdoor"}, InBand: true})
	require.NoError(t, err)
	require.Empty(t, found)
	require.NoError(t, r.driver.RemoveUser(t.Context(), r.record, "backdoor"))
	require.NoError(t, r.driver.RemoveUser(t.Context(), r.record, "backdoor"))
	names, err := r.driver.Users(t.Context(), r.record)
	require.NoError(t, err)
	require.Equal(t, []string{"admin"}, names)
}

package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestSystemsAreListedWithTheirProofsAlsoWithoutADatabase(t *testing.T) {
	t.Parallel()
	var out, errs journal
	require.Equal(t, exitDone, execute(t.Context(), []string{"os", "list"}, &out, &errs), errs.String())
	require.Regexp(t, `(?m)^debian_12 +Debian 12 \(bookworm\) +x86_64 aarch64 +cloud-init +debian +- +validated 2026-`, out.String())
	require.Regexp(t, `(?m)^custom_ipxe +Custom iPXE +- +ipxe +- `, out.String())

	r := setup(t)
	code, text, _ := r.cli("os", "list")
	require.Equal(t, exitDone, code)
	require.Regexp(t, `(?m)^debian_12 +Debian 12 \(bookworm\) +x86_64 +plain +debian +c1\.small +validated`, text)
	r.exec("insert into operating_systems (id, name, distro, version) values ('plan9', 'Plan 9', 'plan9', '4')")
	r.exec("update operating_systems set proven = 'seen', proven_at = '2026-11-01' where id = 'debian_12'")
	code, text, _ = r.cli("os", "list", "-o", "json")
	require.Equal(t, exitDone, code)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &rows))
	proofs := map[any]any{}
	for _, row := range rows {
		proofs[row["os"]] = row["proof"]
	}
	require.Equal(t, "booted 2026-11-01: seen", proofs["debian_12"])
	require.Equal(t, "none; see starter os verify plan9", proofs["plan9"])
	require.Len(t, rows, 10)
}

func TestASystemIsShownWithWhatNobodyHasChecked(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, out, errs := r.cli("os", "show", "debian_12")
	require.Equal(t, exitDone, code, errs)
	for _, want := range []string{
		`image_here +x86_64, 9f86d0`, `login +with the device's keys, debian and root`, `unverified +\[?console boot_modes`,
		`image_aarch64 +https://cloud\.debian\.org/.*-arm64\.qcow2 \(qcow2\)`, `checksums_x86_64 +https://.*/SHA512SUMS \(sha512sums\)`,
	} {
		require.Regexp(t, want, out)
	}
	code, _, errs = r.cli("os", "show", "beos_5")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "beos_5 is neither in the catalogue nor in a site's file")
}

// work does what a worker would for each order, until the test ends: a
// provision ends as told, a deprovision well.
func (r *rig) work(provision func(metal.OrderID, metal.DeviceID)) (stop func()) {
	done, stopping := make(chan struct{}), make(chan struct{})
	seen := map[metal.OrderID]bool{}
	go func() {
		defer close(done)
		for {
			select {
			case <-stopping:
				return
			case <-time.After(10 * time.Millisecond):
			}
			orders, err := r.store.OpenOrders(r.t.Context(), 0, 10)
			if err != nil {
				return
			}
			for _, o := range orders {
				status, err := r.store.Order(r.t.Context(), o.Order)
				if err != nil || seen[o.Order] {
					continue
				}
				seen[o.Order] = true
				if status.Action == metal.ActionProvision {
					provision(o.Order, status.Device)
					continue
				}
				r.goneByNow(o.Order, status.Device)
			}
		}
	}()
	return func() { close(stopping); <-done }
}

// goneByNow ends a deprovision well.
func (r *rig) goneByNow(order metal.OrderID, device metal.DeviceID) {
	held, err := r.store.ClaimDevice(r.t.Context(), metal.ClaimWish{Device: device, Order: order, Action: metal.ActionDeprovision})
	require.NoError(r.t, err)
	_, err = r.store.ReleaseMachine(r.t.Context(), held.Claim, 0, metal.Ending{Order: order, State: metal.Deleted})
	require.NoError(r.t, err)
}

func TestASystemThatPhonesHomeIsProvenAndItsMachineGivenBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	stop := r.work(r.installed)
	code, out, errs := r.cli("os", "verify", "debian_12", "--site", "lab1")
	stop()
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `debian_12 is proven: active after \d+s on machine m\d, plan c1\.small, at lab1`, out)
	_, out, _ = r.cli("os", "list")
	require.Regexp(t, `(?m)^debian_12 .* booted \d{4}-\d\d-\d\d: active after`, out)
	_, out, _ = r.cli("list", "machines")
	require.NotContains(t, out, "occupied")
	_, out, _ = r.cli("list", "orders", "-o", "json")
	require.Contains(t, out, `"deprovision"`)
}

func TestASystemThatIsSilentIsNotProven(t *testing.T) {
	t.Parallel()
	r := setup(t)
	stop := r.work(func(o metal.OrderID, _ metal.DeviceID) {
		_ = r.store.AbandonOrder(r.t.Context(), o, "the system stays silent")
	})
	code, _, errs := r.cli("os", "verify", "debian_12", "--site", "lab1", "--plan", "c1.small")
	stop()
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "failed: the system stays silent")
	_, out, _ := r.cli("os", "list")
	require.Regexp(t, `(?m)^debian_12 .* validated `, out)
}

func TestWhatCannotBeVerifiedIsSaidBeforeAnythingIsOrdered(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for want, args := range map[string][]string{
		"flatcar_stable is in no site's file yet":                       {"flatcar_stable", "--site", "lab1"},
		"no machine at lab9 is idle that debian_12 fits":                {"debian_12", "--site", "lab9"},
		"no machine at lab1 is idle that debian_12 fits, of plan big.1": {"debian_12", "--site", "lab1", "--plan", "big.1"},
	} {
		code, _, errs := r.cli(append([]string{"os", "verify"}, args...)...)
		require.Equal(t, exitNot, code)
		require.Contains(t, errs, want)
	}
	_, out, _ := r.cli("list", "orders", "-o", "json")
	require.Equal(t, "[]\n", out)
}

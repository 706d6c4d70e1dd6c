package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/vault"
)

// rotor changes passwords of m1's BMC on a real database, with a keyset that
// can be rotated.
type rotor struct {
	*rig
	path string
	vault.Rotation
	creds vault.Credentials
}

func newRotor(t *testing.T) *rotor {
	t.Helper()
	r := &rotor{rig: imported(t), path: filepath.Join(t.TempDir(), vault.FileName)}
	_, err := vault.Create(r.path)
	require.NoError(t, err)
	v, err := vault.Open(r.path)
	require.NoError(t, err)
	r.Rotation = vault.Rotation{Vault: v, Rows: r.store}
	r.creds = vault.Credentials{Vault: v, Rows: r.store, Files: func(_ context.Context, name string) (metal.Credential, error) {
		return metal.Credential{User: "file", Password: name}, nil
	}}
	return r
}

func (r *rotor) next() metal.Credential {
	r.t.Helper()
	cred, err := r.Next(r.t.Context(), "m1", "millwright", 20)
	require.NoError(r.t, err)
	return cred
}

// opens requires that a name stands for a credential; the zero one for none.
func (r *rotor) opens(name string, want metal.Credential) {
	r.t.Helper()
	got, err := r.creds.Get(r.t.Context(), name)
	if want == (metal.Credential{}) {
		require.ErrorIs(r.t, err, metal.ErrNoSecret)
		return
	}
	require.NoError(r.t, err)
	require.True(r.t, want == got, "%s stands for another credential", name)
}

const (
	bmcM1  = "bmc/m1"
	nextM1 = "bmc-next/m1"
)

var nothing metal.Credential

func TestAPasswordIsChangedWithBothOnRecord(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	r.opens("bmc", metal.Credential{User: "file", Password: "bmc"})
	r.opens(bmcM1, nothing)

	first := r.next()
	require.Equal(t, "millwright", first.User)
	require.Len(t, first.Password, 20)
	require.True(t, first == r.next(), "a repeat gives the same")
	r.opens(bmcM1, nothing)
	r.opens(nextM1, first)
	require.NoError(t, r.Promote(t.Context(), "m1", first))
	require.NoError(t, r.Promote(t.Context(), "m1", first), "a repeat")
	r.opens(bmcM1, first)
	r.opens(nextM1, nothing)

	second := r.next()
	require.False(t, first == second)
	r.opens(bmcM1, first)
	r.opens(nextM1, second)
	require.NoError(t, r.Promote(t.Context(), "m1", second))
	r.opens(bmcM1, second)
	row, err := r.store.SealedCredential(t.Context(), "m1")
	require.NoError(t, err)
	require.False(t, row.RotatedAt.IsZero())
}

// A ghost of an earlier change must not promote what the BMC never heard of.
func TestWhatIsLeftOfAnEarlierChangePromotesAndAbandonsNothing(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	first := r.next()
	require.NoError(t, r.Promote(t.Context(), "m1", first))
	second := r.next()
	for _, end := range []func(context.Context, metal.MachineID, []byte) (bool, error){r.store.PromoteCredential, r.store.AbandonCredential} {
		done, err := end(t.Context(), "m1", []byte("of before"))
		require.NoError(t, err)
		require.False(t, done)
	}
	r.opens(nextM1, second)
	require.NoError(t, r.Promote(t.Context(), "m1", first), "a late repeat: it is on record")
	require.NoError(t, r.Abandon(t.Context(), "m1", first))
	r.opens(bmcM1, first)
	r.opens(nextM1, second)
	require.NoError(t, r.Promote(t.Context(), "m1", second))
	require.ErrorIs(t, r.Promote(t.Context(), "m1", first), metal.ErrStaleClaim)
	r.opens(bmcM1, second)
}

func TestARefusedPasswordIsForgottenAndTheOldOneStays(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	refused := r.next()
	require.NoError(t, r.Abandon(t.Context(), "m1", refused))
	require.NoError(t, r.Abandon(t.Context(), "m1", refused), "a repeat")
	_, err := r.store.SealedCredential(t.Context(), "m1")
	require.ErrorIs(t, err, metal.ErrNoSecret, "nothing is left of the first one")

	works := r.next()
	require.NoError(t, r.Promote(t.Context(), "m1", works))
	refused = r.next()
	require.NoError(t, r.Abandon(t.Context(), "m1", refused))
	r.opens(bmcM1, works)
	r.opens(nextM1, nothing)
	short, err := r.Next(t.Context(), "m1", "millwright", 16)
	require.NoError(t, err)
	require.Len(t, short.Password, 16)
}

func TestAKeptCredentialTakesThePlaceOfWhateverWasThere(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	handed := metal.Credential{User: "root", Password: "calvin"}
	keep := func(cred metal.Credential) {
		t.Helper()
		for range 2 {
			require.NoError(t, r.Keep(t.Context(), "m1", cred))
			r.opens(bmcM1, cred)
			r.opens(nextM1, nothing)
		}
	}
	keep(handed)
	r.next()
	keep(handed)
	keep(r.next())
	keep(metal.Credential{User: "root", Password: "by hand"})
}

func TestOfManyChangesAtOnceAllGetOnePassword(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	const callers = 16
	var got [callers]metal.Credential
	var errs [callers]error
	atOnce := func(do func(i int) error) {
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() { errs[i] = do(i) })
		}
		all.Wait()
		for i := range callers {
			require.NoError(t, errs[i])
			require.True(t, got[i] == got[0], "caller %d has another password", i)
		}
	}
	atOnce(func(i int) (err error) {
		got[i], err = r.Next(t.Context(), "m1", "millwright", 20)
		return err
	})
	atOnce(func(i int) error { return r.Promote(t.Context(), "m1", got[i]) })
	r.opens(bmcM1, got[0])
	r.opens(nextM1, nothing)
}

func TestARowThatIsCopiedToAnotherMachineOpensNothing(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	require.NoError(t, r.Promote(t.Context(), "m1", r.next()))
	require.NoError(t, r.store.Exec(t.Context(), "insert into bmc_credentials (machine, sealed, next_sealed) select 'm2', sealed, sealed from bmc_credentials"))
	r.opens("bmc/m2", nothing)
	r.opens("bmc-next/m2", nothing)
}

// enrol hands in a BMC with a sealed credential.
func (r *rotor) enrol(id string, cred metal.Credential) {
	r.t.Helper()
	sealed, err := r.Vault.Seal(cred, metal.EnrolmentCredential(id))
	require.NoError(r.t, err)
	require.NoError(r.t, r.store.Exec(r.t.Context(), fmt.Sprintf(
		`insert into enrolments (id, site, address, sealed, machine, body) select '%[1]s', id, '%[1]s', '\x%[2]x', '%[1]s', '{}' from sites`, id, sealed)))
}

func TestAnEnrolmentsCredentialOpensUntilItIsDone(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	handed := metal.Credential{User: "root", Password: "calvin"}
	r.enrol("e1", handed)
	r.opens("enrolment/e1", handed)
	require.NoError(t, r.store.Exec(t.Context(), "update enrolments set sealed = null, done_at = now()"))
	r.opens("enrolment/e1", nothing)
	r.opens("enrolment/e2", nothing)
	r.opens("zone/e1", nothing)
}

func TestEverythingIsSealedAnewWithTheNewestKey(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	handed := metal.Credential{User: "root", Password: "calvin"}
	r.enrol("e1", handed)
	for i := range 600 { // more than one batch
		r.enrol(fmt.Sprintf("m%03d", i), handed)
	}
	first := r.next()
	require.NoError(t, r.Promote(t.Context(), "m1", first))
	second := r.next()
	old, err := r.Vault.Keys()
	require.NoError(t, err)
	fresh, err := vault.Rotate(r.path)
	require.NoError(t, err)
	counts, err := r.Vault.Status(t.Context(), r.store)
	require.NoError(t, err)
	require.Equal(t, []vault.Count{{Key: vault.Key{ID: old[0].ID}, Rows: 603}, {Key: vault.Key{ID: fresh, Newest: true}}}, counts)

	done, err := r.Vault.Reseal(t.Context(), r.store)
	require.NoError(t, err)
	require.Equal(t, 603, done)
	done, err = r.Vault.Reseal(t.Context(), r.store)
	require.NoError(t, err)
	require.Zero(t, done, "a repeat")
	require.NoError(t, vault.Drop(r.path, old[0].ID))
	r.opens(bmcM1, first)
	r.opens(nextM1, second)
	r.opens("enrolment/e1", handed)
	r.opens("enrolment/m599", handed)
	require.NoError(t, r.Promote(t.Context(), "m1", second), "sealed anew, it is still the one that was made")
	r.opens(bmcM1, second)
	counts, err = r.Vault.Status(t.Context(), r.store)
	require.NoError(t, err)
	require.Equal(t, []vault.Count{{Key: vault.Key{ID: fresh, Newest: true}, Rows: 602}}, counts)
}

func TestARowThatChangesBetweenIsNotSealedOver(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	require.NoError(t, r.Promote(t.Context(), "m1", r.next()))
	rows, err := r.store.SealedRows(t.Context(), metal.SealedRow{}, 10)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	later := r.next()
	require.NoError(t, r.Promote(t.Context(), "m1", later))
	changed, err := r.store.Reseal(t.Context(), rows[0], []byte("of before"))
	require.NoError(t, err)
	require.False(t, changed)
	r.opens(bmcM1, later)
}

func TestRowsThatCannotBeOpenedAreCountedAndLeft(t *testing.T) {
	t.Parallel()
	r := newRotor(t)
	require.NoError(t, r.Promote(t.Context(), "m1", r.next()))
	require.NoError(t, r.store.Exec(t.Context(), "insert into bmc_credentials (machine, sealed) select 'm2', sealed from bmc_credentials"))
	_, err := vault.Rotate(r.path)
	require.NoError(t, err)
	counts, err := r.Vault.Status(t.Context(), r.store)
	require.NoError(t, err)
	require.Equal(t, 2, counts[0].Rows)
	require.Equal(t, 1, counts[0].Broken)
	done, err := r.Vault.Reseal(t.Context(), r.store)
	require.ErrorContains(t, err, "1 rows could not be opened and are as they were, the first because: open the credential bmc/m2")
	require.Equal(t, 1, done)

	require.NoError(t, r.store.Exec(t.Context(), `update bmc_credentials set sealed = '\x0123456789' where machine = 'm2'`))
	counts, err = r.Vault.Status(t.Context(), r.store)
	require.NoError(t, err)
	require.Equal(t, vault.Count{Rows: 1, Absent: true}, counts[2])
}

package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestTheRecordIsKeptForAsLongAsItShouldBe(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.exec(`insert into changes (at, request, caller, method, path, code, outcome)
		select now() - i * interval '1 day', 'r' || i, 'user/u', 'POST', '/p', 201, 'done' from generate_series(0, 12000) i`)
	n, err := r.store.ForgetChanges(t.Context(), 400*24*time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 12001-400, n, "in more than one part")
	changes, total, err := r.store.Changes(t.Context(), metal.AuditFilter{}, metal.Page{Limit: 3, Offset: 1})
	require.NoError(t, err)
	require.Equal(t, 400, total)
	require.Len(t, changes, 3)
	n, err = r.store.ForgetChanges(t.Context(), 400*24*time.Hour)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestWhatNobodyRepeatsOrComesBackForIsForgotten(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.exec(`insert into repeats (caller, key, digest, code, thing, at) values ('user/u', 'old', '', 201, '', now() - interval '31 days'), ('user/u', 'new', '', 201, '', now())`)
	n, err := r.store.ForgetRepeats(t.Context(), 30*24*time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)

	state := []byte(strings.Repeat("s", 32))
	in := metal.SignIn{State: state, Browser: state}
	require.NoError(t, r.store.BeginSignIn(t.Context(), in, -time.Second))
	in.State = []byte(strings.Repeat("t", 32))
	require.NoError(t, r.store.BeginSignIn(t.Context(), in, time.Minute))
	require.NoError(t, r.store.ForgetSignIns(t.Context()))
	_, err = r.store.TakeSignIn(t.Context(), state)
	require.ErrorIs(t, err, metal.ErrNotFound)
	got, err := r.store.TakeSignIn(t.Context(), in.State)
	require.NoError(t, err)
	require.Equal(t, in, got)
	_, err = r.store.TakeSignIn(t.Context(), in.State)
	require.ErrorIs(t, err, metal.ErrNotFound, "once")
}

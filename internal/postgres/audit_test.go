package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestSignInsThatNobodyComesBackForAreForgotten(t *testing.T) {
	t.Parallel()
	r := imported(t)
	state := []byte(strings.Repeat("s", 32))
	in := metal.SignIn{State: state, Browser: state}
	require.NoError(t, r.store.BeginSignIn(t.Context(), in, -time.Second))
	in.State = []byte(strings.Repeat("t", 32))
	require.NoError(t, r.store.BeginSignIn(t.Context(), in, time.Minute))
	require.NoError(t, r.store.ForgetSignIns(t.Context()))
	_, err := r.store.TakeSignIn(t.Context(), state)
	require.ErrorIs(t, err, metal.ErrNotFound)
	got, err := r.store.TakeSignIn(t.Context(), in.State)
	require.NoError(t, err)
	require.Equal(t, in, got)
	_, err = r.store.TakeSignIn(t.Context(), in.State)
	require.ErrorIs(t, err, metal.ErrNotFound, "once")
}

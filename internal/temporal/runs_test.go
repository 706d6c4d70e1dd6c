package temporal_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"millwright/internal/metal"
	"millwright/internal/temporal"
)

// signalled takes signals as told, and nothing else.
type signalled struct {
	client.Client
	err  error
	args []any
}

func (s *signalled) SignalWorkflow(_ context.Context, run, execution, name string, arg any) error {
	s.args = []any{run, execution, name, arg}
	return s.err
}

func TestASignalGoesToWhicheverRunIsOpen(t *testing.T) {
	t.Parallel()
	report := metal.Report{Machine: "m7", Boot: 1, Kind: metal.PhoneHome}
	c := &signalled{}
	require.NoError(t, temporal.Runs{Client: c}.Signal(t.Context(), "device/d1", report))
	require.Equal(t, []any{"device/d1", "", "report", report}, c.args)
}

func TestOnlyARunThatIsNotThereIsOver(t *testing.T) {
	t.Parallel()
	over := &signalled{err: serviceerror.NewNotFound("workflow not found")}
	require.ErrorIs(t, temporal.Runs{Client: over}.Signal(t.Context(), "device/d1", metal.Report{}), metal.ErrRunOver)
	for _, weather := range []error{
		serviceerror.NewUnavailable("away"), serviceerror.NewNamespaceNotFound("default"), errors.New("dial: refused"),
	} {
		err := temporal.Runs{Client: &signalled{err: weather}}.Signal(t.Context(), "device/d1", metal.Report{})
		require.ErrorIs(t, err, weather)
		require.NotErrorIs(t, err, metal.ErrRunOver)
	}
}

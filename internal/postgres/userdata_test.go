package postgres_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestUserDataThatASystemWouldNotTakeIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 0)
	ctx := t.Context()
	c.store.CheckUserData = func(method metal.FirstBootMethod, body []byte) error {
		if method == metal.Plain && string(body) == "bad" {
			return errors.New("its first line is no YAML")
		}
		return nil
	}
	place := func(id, body string) (metal.OrderStatus, error) {
		hash, err := c.store.PutUserData(ctx, []byte(body))
		require.NoError(t, err)
		order, err := metal.ParseOrder(metal.OrderID(id), fmt.Appendf(nil,
			`{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12","user_data":%q}`, hash))
		require.NoError(t, err)
		return c.store.RecordOrder(ctx, order)
	}
	_, err := place("bad", "bad")
	require.ErrorIs(t, err, metal.ErrInvalidOrder)
	require.ErrorContains(t, err, "user_data: debian_12: its first line is no YAML")
	devices, err := c.store.Queries().CountEvents(ctx)
	require.NoError(t, err)
	require.Zero(t, devices, "nothing was written, not even an event")
	status, err := place("good", "good")
	require.NoError(t, err)
	require.Equal(t, "wanted", status.State)
}

func TestALayoutThatNoAgentWouldTakeIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 0)
	c.store.CheckStorage = func(raw []byte) error { return fmt.Errorf("layout: %s is no such thing", raw) }
	order, err := metal.ParseOrder("o1", []byte(
		`{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12","storage":{"mirrored":true}}`))
	require.NoError(t, err)
	_, err = c.store.RecordOrder(t.Context(), order)
	require.ErrorIs(t, err, metal.ErrInvalidOrder)
	require.ErrorContains(t, err, `storage: layout: {"mirrored":true} is no such thing`)
	events, err := c.store.Queries().CountEvents(t.Context())
	require.NoError(t, err)
	require.Zero(t, events)
}

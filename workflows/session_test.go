package workflows

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/activities"
	"millwright/internal/postgres/query"
)

// A session is on or off as it was, whatever fails.
func TestASessionEndsAsWantedOrAsItWas(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	require.NoError(t, places.store.Queries().SetProjectBGP(t.Context(), query.SetProjectBGPParams{Project: "acme", Deployment: "local", PeerAs: 65000}))
	calls := []string{"ReadSession", "SetSession", "BringPorts"}
	for _, was := range []bool{false, true} {
		for _, want := range []bool{false, true} {
			for n, call := range calls {
				for _, how := range []harm{none, before, after, lose, twice} {
					t.Run(fmt.Sprintf("from %t to %t/%s/%s", was, want, call, how), func(t *testing.T) {
						t.Parallel()
						e := places.elastic(t)
						if was {
							require.NoError(t, e.session(true))
						}
						e.spoil = failing(n+1, how)
						err := e.session(want)
						e.spoil = nil
						end := was
						if how == none || how == lose || how == twice {
							require.NoError(t, err)
							end = want
						} else {
							require.Equal(t, injectedType, typeOf(err))
						}
						require.Equal(t, end, e.ports[e.firstPort(e.devices[0])].BGP != nil)
						e.agreed()
					})
				}
			}
		}
	}
}

func (e *elastic) session(on bool) error {
	e.t.Helper()
	return e.runAs(SessionRun(e.devices[0]), Session, SessionInput{Device: e.devices[0], Family: 4, On: on}).GetWorkflowError()
}

func TestASessionOfAProjectWithoutBGPIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	require.Equal(t, activities.WrongState, typeOf(e.session(true)))
	e.agreed()
	e.devices[0] = "11111111-1111-4111-8111-111111111111"
	require.Equal(t, activities.UnknownDevice, typeOf(e.session(true)))
	require.Equal(t, []string{"ReadSession"}, e.calls)
}

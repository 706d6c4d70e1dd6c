package fitness

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestHealthIsTheWorstOfWhatIsOpen(t *testing.T) {
	t.Parallel()
	issue := func(s metal.Severity) metal.Issue { return metal.Issue{Finding: metal.Finding{Severity: s}} }
	over := issue(metal.Failing)
	over.Closed = time.Unix(1, 0)
	require.Equal(t, metal.HealthOK, Health(nil))
	require.Equal(t, metal.HealthOK, Health([]metal.Issue{issue(metal.Note), over}))
	require.Equal(t, metal.HealthDegraded, Health([]metal.Issue{issue(metal.Degraded), issue(metal.Note), over}))
	require.Equal(t, metal.HealthFailing, Health([]metal.Issue{issue(metal.Degraded), issue(metal.Failing), issue(metal.Degraded)}))
}

func TestWhatBlocksIsWhatAMachineShouldNotBe(t *testing.T) {
	t.Parallel()
	for _, k := range metal.IssueKinds {
		as := func(s metal.Severity) bool { return Blocks(metal.Finding{Kind: k.Kind, Severity: s}) }
		require.True(t, as(metal.Failing))
		require.False(t, as(metal.Note))
		require.Equal(t, k.Look == metal.LookCompare || k.Look == metal.LookBMC, as(metal.Degraded), k.Kind)
	}
	require.True(t, Lasting(metal.MemoryErrors))
	require.False(t, Lasting(metal.HotCPU))
}

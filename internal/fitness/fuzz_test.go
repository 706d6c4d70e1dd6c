package fitness

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// FuzzCompare holds that nothing that a machine says of itself makes Compare
// panic, that findings stay short, and that they are the same the next time.
func FuzzCompare(f *testing.F) {
	m := twoCards()
	whole, err := json.Marshal(m.is)
	require.NoError(f, err)
	f.Add(whole)
	f.Add([]byte(`{"disks":[{"size":-9223372036854775808,"serial":"\u0000"}],"memory":{"total":-1,"dimms":[{"size":9e18},{"size":9e18}]},"cpus":[{"cores":-1}],"nics":[{"neighbour":{}}]}`))
	m.says.Serial, m.says.Twins = "S", []metal.MachineID{"m2"}
	m.says.Fitness = metal.Fitness{Cores: 8, MemoryGiB: 32, DisksGB: []int{480, 960}, NICMbps: 10, Baseline: map[string]string{"bios": "1", "bmc": "2", "nic ": "1"}}
	f.Fuzz(func(t *testing.T, hardware []byte) {
		found := Compare(m.says, hardware)
		for i, finding := range found {
			require.NotEmpty(t, finding.Detail)
			require.LessOrEqual(t, len(finding.Detail), longestDetail)
			require.LessOrEqual(t, len(finding.Part), longestPart)
			require.True(t, utf8.ValidString(finding.Detail+finding.Part))
			require.True(t, i == 0 || found[i-1].Kind != finding.Kind || found[i-1].Part != finding.Part, "one of a kind and part")
		}
		require.Equal(t, found, Compare(m.says, hardware))
	})
}

package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What makes a server see new namespaces at once is taken away, and nothing else.
func TestASettledServerKeepsAllButItsEagerness(t *testing.T) {
	t.Parallel()
	s := &server{home: t.TempDir()}
	require.NoError(t, s.settle())
	settled, err := os.ReadFile(filepath.Join(s.home, "dynamic.yaml"))
	require.NoError(t, err)
	keys := func(text string) (all []string) {
		for line := range strings.Lines(text) {
			if key, _, found := strings.Cut(line, ":"); found && !strings.HasPrefix(key, "#") {
				all = append(all, key)
			}
		}
		return all
	}
	before := keys(string(dynamicConfig))
	gone := []string{"system.namespaceCacheRefreshInterval", "system.forceSearchAttributesCacheRefreshOnRead"}
	require.Subset(t, before, gone)
	require.Len(t, keys(string(settled)), len(before)-len(gone))
	require.NotSubset(t, keys(string(settled)), gone[:1])
	require.NotSubset(t, keys(string(settled)), gone[1:])
}

package docs

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// row is what operators read of a kind of issue.
func row(k metal.Known) string {
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", k.Kind, k.Default, k.Look, k.Means, k.Cause, k.Cure)
}

func TestEveryKindOfIssueHasItsRow(t *testing.T) {
	t.Parallel()
	page := read(t, "issues.md")
	rows := regexp.MustCompile("(?m)^\\| `[a-z-]+` \\| (?:note|degraded|failing) \\|.*$").FindAllString(page, -1)
	var want []string
	for _, k := range metal.IssueKinds {
		want = append(want, row(k))
	}
	require.Equal(t, want, rows, "the page says what the table of kinds says, in its order")
}

func TestEveryKindOfIssueIsInTheTable(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, k := range metal.IssueKinds {
		require.False(t, known[string(k.Kind)], "%s stands twice", k.Kind)
		known[string(k.Kind)] = true
	}
	words := regexp.MustCompile(`IssueKind = "([a-z-]+)"`).FindAllStringSubmatch(read(t, "../internal/metal/issue.go"), -1)
	require.NotEmpty(t, words)
	for _, word := range words {
		require.True(t, known[word[1]], "nobody says what %s means", word[1])
	}
	require.Len(t, known, len(words))
}

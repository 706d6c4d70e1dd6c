package vault_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"millwright/internal/vault"
)

func TestPasswordsAreWhatEveryBMCTakes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2000 {
		p := vault.Password(16)
		require.Len(t, p, 16)
		require.False(t, seen[p])
		seen[p] = true
		require.Regexp(t, `^[A-Za-z][A-Za-z2-9]*-[A-Za-z2-9]+$`, p)
		require.NotRegexp(t, `[lIoO01]`, p, "they look alike")
		require.True(t, strings.ContainsFunc(p, unicode.IsLower) && strings.ContainsFunc(p, unicode.IsUpper) && strings.ContainsFunc(p, unicode.IsDigit), p)
		for i := 1; i < len(p); i++ {
			require.NotEqual(t, p[i-1], p[i], p)
		}
	}
}

func TestAPasswordIsNeverLongerThanIPMITakesNorShort(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int]int{0: 20, 16: 16, 20: 20, 64: 20, 1: 12, -1: 12} {
		require.Len(t, vault.Password(asked), want, asked)
	}
}

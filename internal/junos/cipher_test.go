package junos

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatJunosObscuresIsTurnedBack(t *testing.T) {
	t.Parallel()
	require.Equal(t, "lc", revealed("$9$LbHX-wg4Z")) // the example of Crypt::Juniper on CPAN
	for _, unreadable := range []string{"", "plain", "$9$", "$9$Q", "$9$LbHX-wg4", "$9$é", "$8$aes256-gcm$x$y"} {
		require.Equal(t, unreadable, revealed(unreadable))
	}
}

func FuzzAnObscuredTextIsTurnedBackOrLeft(f *testing.F) {
	f.Add("$9$LbHX-wg4Z")
	f.Add("$9$i")
	f.Fuzz(func(t *testing.T, shown string) {
		if got := revealed(shown); !strings.HasPrefix(shown, obscured) {
			require.Equal(t, shown, got)
		}
	})
}

func TestAKeyOfTheSwitchsOwnCipherIsTakenForTheRightOne(t *testing.T) {
	t.Parallel()
	pieces := piecesOf(t, peering(tenant("xe-0/0/7")))
	configuration := asConfigured(pieces)
	require.Empty(t, differing(pieces, configuration))
	for shown, right := range map[string]bool{
		"$8$aes256-gcm$hmac-sha2-256$100$abc": true, "another": false, "$9$LbHX-wg4Z": false, "": false,
	} {
		configuration, err := parse([]byte(strings.ReplaceAll(asConfigured(pieces).String(), fakeKey, shown)))
		require.NoError(t, err)
		require.Equal(t, right, len(differing(pieces, configuration)) == 0, shown)
	}
}

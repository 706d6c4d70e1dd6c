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

func TestNoSecretOutlivesRedaction(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`+   authentication-key "$9$LbHX-wg4Z"; ## SECRET-DATA`,
		`authentication-key hunter2;`, `<authentication-key>hunter2</authentication-key>`,
		"<authentication-key>one hunter two</authentication-key>",
		`+   secret hunter2; ## SECRET-DATA`, `encrypted-password "$6$salt$hash"`,
		"invalid value 'hunter2' in key", "authentication-key\n\t\"hunter2\"",
	} {
		got := redacted(text, []string{"hunter2"})
		require.NotContains(t, got, "hunter")
		require.NotRegexp(t, `\$\d\$`, got)
		require.Contains(t, got, hidden)
	}
	require.Equal(t, "+   description \"money $5\";", redacted("+   description \"money $5\";", nil))
}

func FuzzRedactionLeavesNoSecret(f *testing.F) {
	f.Add("authentication-key \"x\"; ## SECRET-DATA", "x")
	f.Fuzz(func(t *testing.T, text, secret string) {
		if secret == "" || strings.ContainsAny(secret, hidden) { // the mark itself could complete it
			return
		}
		require.NotContains(t, redacted(text+secret+text, []string{secret}), secret)
	})
}

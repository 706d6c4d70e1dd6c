package junos

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestASwitchsRefusalThatRepeatsTheKeyIsRedacted(t *testing.T) {
	t.Parallel()
	s := dialled(t, says(`<rpc-error><error-severity>error</error-severity><error-message>invalid value '`+fakeKey+
		`' in authentication-key "$9$LbHX-wg4Z"</error-message></rpc-error>`))
	s.secrets = []string{fakeKey}
	err := s.discard()
	require.ErrorContains(t, err, hidden)
	require.NotRegexp(t, `\$9\$|`+fakeKey, err.Error())
}

// repeating is a switch that repeats what it refuses, and obeys in all else.
func repeating(in frames, out io.Writer) {
	_, _ = io.WriteString(out, plainHello)
	_, _ = in.next()
	for {
		request, err := in.next()
		if err != nil {
			return
		}
		body := "<ok/>"
		if read, err := parse(request); err == nil && read.child("edit-config") != nil {
			body = `<rpc-error><error-severity>error</error-severity><error-message>bad: ` +
				escape(strings.ReplaceAll(string(request), keyTag, "key")) + `</error-message></rpc-error>`
		}
		_, _ = fmt.Fprintf(out, `<rpc-reply message-id="%s">%s</rpc-reply>%s`, messageID(request), body, endOfMessage)
	}
}

func TestASwitchThatRepeatsTheWholeEditTellsNoSecret(t *testing.T) {
	t.Parallel()
	port := peering(tenant("xe-0/0/7"))
	port.Port.Switch = "tor-x"
	done, err := newDriver().Apply(t.Context(), scripted(t, repeating), pendingAre(port))
	require.NoError(t, err)
	require.Contains(t, done.Refused[port.Port], "bad: ")
	require.Contains(t, done.Refused[port.Port], "millwright-import-xe-0-0-7")
	require.NotContains(t, done.Refused[port.Port], fakeKey)
	_, err = newDriver().Plan(t.Context(), scripted(t, repeating), []metal.PortIntent{port})
	require.ErrorContains(t, err, "bad: ")
	require.NotContains(t, err.Error(), fakeKey)
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

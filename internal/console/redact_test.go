package console

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoTokenIsKeptWhereverAReadEnds(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("0123456789abcdef", 4)
	text := "mm millwrmillwright.token=" + token + " millwright.url=http://10.0.0.1\r\nabc millwright.token=" + token + "\n"
	want := strings.ReplaceAll(text, token, strings.Repeat("*", len(token)))
	for first := range len(text) {
		for second := first; second < len(text); second += 7 {
			var r redactor
			got := ""
			for _, piece := range []string{text[:first], text[first:second], text[second:]} {
				p := []byte(piece)
				r.mask(p)
				got += string(p)
			}
			require.Equal(t, want, got, "cut at %d and %d", first, second)
		}
	}
}

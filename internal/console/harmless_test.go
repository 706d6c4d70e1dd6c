package console

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestWhatCouldHarmATerminalIsLeftOut(t *testing.T) {
	t.Parallel()
	for printed, shown := range map[string]string{
		"[  OK  ] Started\r\n\tfine":              "[  OK  ] Started\r\n\tfine",
		"\x1b[0;1;31mred\x1b[m":                   "\x1b[0;1;31mred\x1b[m",
		"\x1b[2J\x1b[1;1Hcleared":                 "cleared",
		"\x1b]0;title\x07after":                   "after",
		"\x1b]0;title\x1b\\after":                 "after",
		"\x1bP$qm\x1b\\after":                     "after", // a question whose answer is typed
		"\x1b[6nafter":                            "after", // another one
		"\x1b(0after":                             "after",
		"\x1bcafter":                              "after",
		"\x1b[>4;2mafter":                         "after",
		"\x00\x07\x0etext\x01\x7f":                "text··",
		"größer €":                                "größer €",
		"\xff\xfe\x9b2Jx":                         "···2Jx",
		"\u009b2J\u202eevil":                      "·2J·evil",
		"cut \xe2\x82":                            "cut ",
		"cut \xe2\x82\n":                          "cut ·\n",
		"\x1b[" + strings.Repeat("1;", 50) + "mx": "x",
	} {
		var h Harmless
		require.Equal(t, shown, string(h.Clean([]byte(printed))), "%q", printed)
		var cut Harmless
		var bytewise []byte
		for _, b := range []byte(printed) {
			bytewise = append(bytewise, cut.Clean([]byte{b})...)
		}
		require.Equal(t, shown, string(bytewise), "%q, byte by byte", printed)
	}
}

func FuzzHarmless(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m\x1b]0;t\x07\xff\x1b[2J"))
	f.Fuzz(func(t *testing.T, printed []byte) {
		var h Harmless
		shown := h.Clean(printed)
		require.True(t, utf8.Valid(shown))
		for i, b := range shown {
			if b == 0x1b {
				end := bytes.IndexByte(shown[i:], 'm')
				require.Greater(t, end, 1, "%q", shown[i:])
				require.True(t, shown[i+1] == '[' && isColour(shown[i+2:i+end]), "%q", shown[i:i+end])
			}
			require.True(t, b >= ' ' && b != 0x7f || strings.ContainsRune("\r\n\t\b\x1b", rune(b)), "%q", b)
		}
	})
}

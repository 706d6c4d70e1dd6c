package netconf

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func FuzzReadMessageFindsTheMarkHoweverItIsCut(f *testing.F) {
	f.Add([]byte("<rpc/>"))
	f.Add([]byte("]]>]]"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if bytes.Contains(append(message, ' '), []byte(endOfMessage)) {
			return
		}
		stream := append(bytes.Clone(message), " "+endOfMessage...)
		got, err := readMessage(bufio.NewReader(iotest.OneByteReader(bytes.NewReader(stream))), len(stream))
		require.NoError(t, err)
		require.Equal(t, string(bytes.TrimSpace(message)), string(got))
	})
}

func TestAMessageBeyondTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	_, err := readMessage(bufio.NewReader(strings.NewReader(strings.Repeat("x>", 1000))), 100)
	require.ErrorContains(t, err, "longer than 100 bytes")
}

// Whatever a client sends as an edit is refused or applied, applied twice is
// applied once, and what is stored can be printed and read.
func FuzzAnEditIsRefusedOrApplied(f *testing.F) {
	f.Add([]byte(`<configuration><interfaces><interface operation="replace"><name>a</name></interface></interfaces></configuration>`))
	f.Add([]byte(`<configuration operation="delete"><system operation="delete"/></configuration>`))
	f.Add([]byte(strings.Repeat("<a>", 200)))
	f.Fuzz(func(t *testing.T, document []byte) {
		change, err := parse(document)
		if err != nil {
			return
		}
		tree, err := parse([]byte(initial))
		require.NoError(t, err)
		if (edit{fallback: "replace"}).apply(tree, change) != nil {
			return
		}
		once := tree.String()
		if strings.Contains(string(document), "operation") { // a delete cannot be done twice
			return
		}
		require.Nil(t, edit{fallback: "replace"}.apply(tree, change))
		require.Equal(t, once, tree.String())
		_, err = parse([]byte(once))
		require.NoError(t, err)
		ports(tree)
		checkSyntax(tree)
		checkReferences(tree)
		sift(change, tree)
	})
}

func TestADocumentTooDeepIsRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1)
	_, err := parse([]byte(deep))
	require.ErrorContains(t, err, "nested deeper")
}

func TestTextIsEscapedWhenWritten(t *testing.T) {
	t.Parallel()
	tree, err := parse([]byte("<a><b>1 &lt; 2 &amp; 3</b></a>"))
	require.NoError(t, err)
	require.Equal(t, "<a><b>1 &lt; 2 &amp; 3</b></a>", tree.String())
}

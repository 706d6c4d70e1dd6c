package junos

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestAMessageBeyondTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	_, err := frames{in: bufio.NewReader(strings.NewReader(strings.Repeat("x", 1<<16))), limit: 100}.next()
	require.ErrorContains(t, err, "longer than 100 bytes")
}

func TestAStreamThatEndsInsideAMessageIsNotAMessage(t *testing.T) {
	t.Parallel()
	_, err := frames{in: bufio.NewReader(strings.NewReader("<ok/>]]>]]")), limit: 100}.next()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// Whatever the messages and however they are cut, the reader gives them back.
func FuzzFramesGivesBackWhatWasFramed(f *testing.F) {
	f.Add([]byte("<hello/>"), []byte("<rpc/>]]>"))
	f.Add([]byte("]]>]]"), []byte(""))
	f.Add(bytes.Repeat([]byte("a>"), 5000), []byte(">"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if bytes.Contains(append(first, ' '), []byte(endOfMessage)) || bytes.Contains(append(second, ' '), []byte(endOfMessage)) {
			return
		}
		stream := append(append(append(bytes.Clone(first), " "+endOfMessage...), second...), " "+endOfMessage...)
		in := frames{in: bufio.NewReader(iotest.OneByteReader(bytes.NewReader(stream))), limit: len(stream)}
		for _, want := range [][]byte{first, second} {
			got, err := in.next()
			require.NoError(t, err)
			require.Equal(t, string(bytes.TrimSpace(want)), string(got))
		}
		_, err := in.next()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

// Whatever a switch sends is read or refused, and what is read can be written
// and read again as the same.
func FuzzParseReadsWhatItWrites(f *testing.F) {
	f.Add([]byte(`<rpc-reply message-id="1"><data><configuration inactive="inactive"><name>x &amp; y</name></configuration></data></rpc-reply>`))
	f.Add([]byte(`<a xmlns:junos="http://xml.juniper.net/junos/22.4R3/junos"><junos:comment>/* c */</junos:comment><b/></a>`))
	f.Add([]byte(strings.Repeat("<a>", 300)))
	f.Fuzz(func(t *testing.T, document []byte) {
		read, err := parse(document)
		if err != nil {
			return
		}
		rpcErrors(read)
		strip(read)
		again, err := parse([]byte(read.String()))
		require.NoError(t, err)
		require.Equal(t, read.canonical(), again.canonical())
	})
}

// strip drops what a request never carries.
func strip(e *element) {
	e.inactive = false
	for _, c := range e.children {
		strip(c)
	}
}

func FuzzALockHolderIsReadFromAnyWords(f *testing.F) {
	f.Add("configuration database locked by:\n  root terminal p0 (pid 7342) on since 2026-01-01 00:00:00 UTC", "lock-denied", "")
	f.Add("configuration database modified", "", "0")
	f.Fuzz(func(t *testing.T, message, tag, session string) {
		held, ok := locked(&RPCError{Message: message, Tag: tag, Session: session})
		require.False(t, ok && held == nil)
		if ok {
			require.NotEmpty(t, held.Error())
			require.True(t, session == "" || held.Session == session)
		}
	})
}

func TestALockIsRecognizedByTheWordsOfJunosAlone(t *testing.T) {
	t.Parallel()
	held, ok := locked(&RPCError{Message: "\nconfiguration database locked by:\n  root terminal p0 (pid 7342) on since 2026-01-01 00:00:00 UTC, idle 00:01:00\n      exclusive [edit]\n"})
	require.True(t, ok)
	require.Equal(t, "7342", held.Session)
	require.Equal(t, "root", held.User)
	_, ok = locked(&RPCError{Message: "configuration database modified"})
	require.True(t, ok)
	_, ok = locked(&RPCError{Message: "syntax error", Tag: "operation-failed"})
	require.False(t, ok)
}

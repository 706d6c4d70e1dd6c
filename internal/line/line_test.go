package line_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/line"
)

const (
	soon  = 10 * time.Second      // more than anything here takes
	never = 50 * time.Millisecond // what has not come by then was held back; a late one would fail no test
)

// echo is a server that says what it hears, behind a line.
func echo(t *testing.T) *line.Line {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	l, err := line.Lead("127.0.0.1:0", server.Addr().String())
	require.NoError(t, err)
	t.Cleanup(l.End)
	return l
}

type talker struct {
	*testing.T
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, l *line.Line) talker {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return talker{t, c, bufio.NewReader(c)}
}

func (c talker) say(words string) {
	c.Helper()
	_, err := io.WriteString(c.Conn, words+"\n")
	require.NoError(c, err)
}

func (c talker) hear(within time.Duration) (string, error) {
	c.Helper()
	require.NoError(c, c.SetReadDeadline(time.Now().Add(within)))
	words, err := c.in.ReadString('\n')
	return words, err
}

func (c talker) hears(words string) {
	c.Helper()
	heard, err := c.hear(soon)
	require.NoError(c, err)
	require.Equal(c, words+"\n", heard)
}

func TestALineLeadsOnWhatIsSaidBothWays(t *testing.T) {
	t.Parallel()
	c := dial(t, echo(t))
	c.say("hello")
	c.hears("hello")
}

func TestACutResetsWhoIsConnectedAndNobodyElse(t *testing.T) {
	t.Parallel()
	l := echo(t)
	c := dial(t, l)
	c.say("hello")
	c.hears("hello")
	l.Cut()
	_, err := c.hear(soon)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	again := dial(t, l)
	again.say("and again")
	again.hears("and again")
}

func TestWhoRefusesIsThereAgainAtTheSameAddress(t *testing.T) {
	t.Parallel()
	l := echo(t)
	c := dial(t, l)
	c.say("hello")
	c.hears("hello")
	l.Refuse()
	_, err := c.hear(soon)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = net.Dial("tcp", l.Addr().String())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, l.Heal())
	again := dial(t, l)
	again.say("and again")
	again.hears("and again")
}

func TestSilenceHoldsEveryByteBackUntilItIsOver(t *testing.T) {
	t.Parallel()
	l := echo(t)
	before := dial(t, l)
	before.say("hello")
	before.hears("hello")
	l.Silence()
	within := dial(t, l)
	for _, c := range []talker{before, within} {
		c.say("anybody there?")
		_, err := c.hear(never)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	require.NoError(t, l.Heal())
	before.hears("anybody there?")
	within.hears("anybody there?")
}

func TestASlowLineHoldsEachPieceForAWhile(t *testing.T) {
	t.Parallel()
	l := echo(t)
	c := dial(t, l)
	l.Slow(time.Hour)
	c.say("hello")
	_, err := c.hear(never)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, l.Heal())
	c.hears("hello")
	l.Slow(time.Millisecond)
	c.say("again")
	c.hears("again")
}

func TestAServerThatIsAwayIsAResetForTheClient(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l, err := line.Lead("127.0.0.1:0", nobody.Addr().String())
	require.NoError(t, err)
	t.Cleanup(l.End)
	require.NoError(t, nobody.Close())
	c, err := net.Dial("tcp", l.Addr().String()) // which may be reset already
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestAServerThatHasSaidAllEndsTheConnectionInPeace(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l, err := line.Lead("127.0.0.1:0", server.Addr().String())
	require.NoError(t, err)
	t.Cleanup(l.End)
	c := dial(t, l)
	there, err := server.Accept()
	require.NoError(t, err)
	_, err = io.WriteString(there, "all\n")
	require.NoError(t, err)
	require.NoError(t, there.Close())
	require.NoError(t, server.Close())
	c.hears("all")
	_, err = c.hear(soon)
	require.ErrorIs(t, err, io.EOF)
}

// Whatever the weather, the end of a line waits for nobody.
func TestALineEndsInAnyWeather(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(*line.Line){
		"fair": func(*line.Line) {}, "silent": func(l *line.Line) { l.Silence() },
		"refused": func(l *line.Line) { l.Refuse() }, "slow": func(l *line.Line) { l.Slow(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := echo(t)
			c := dial(t, l)
			c.say("hello")
			c.hears("hello")
			bring(l)
			_, _ = io.WriteString(c.Conn, "more\n") // refused is refused
			ended, done := context.WithCancel(t.Context())
			go func() { l.End(); done() }()
			select {
			case <-ended.Done():
			case <-time.After(soon):
				t.Fatal("End waits")
			}
			require.NoError(t, l.Heal(), "what has ended stays so")
			_, err := net.Dial("tcp", l.Addr().String())
			require.True(t, errors.Is(err, syscall.ECONNREFUSED), "%v", err)
		})
	}
}

package junos

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

const plainHello = `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities>` +
	`<capability>urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id></hello>` + endOfMessage

// scripted is an SSH server that says what a script says, whatever it is told:
// for replies that no sane switch sends. It has two host keys, and the pinned
// one is not the one that it shows first.
func scripted(t *testing.T, script func(in frames, out io.Writer)) metal.Switch {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	require.NoError(t, err)
	second, err := ecdsaKey()
	require.NoError(t, err)
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	config.AddHostKey(second)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveScript(conn, config, script)
		}
	}()
	return metal.Switch{
		ID: "tor-x", Address: listener.Addr().String(),
		HostKey: ssh.FingerprintSHA256(second.PublicKey()), Credential: "switches",
	}
}

// ecdsaKey is the second host key of a scripted switch, as Junos has several.
func ecdsaKey() (ssh.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// serveScript keeps the connection open after the script's end: a switch that
// says no more is not one that hangs up.
func serveScript(conn net.Conn, config *ssh.ServerConfig, script func(in frames, out io.Writer)) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(true, nil)
			}
		}()
		go script(frames{in: bufio.NewReader(channel), limit: messageLimit}, channel)
	}
}

// says answers the hello, and every request with the body inside an rpc-reply.
func says(body string) func(in frames, out io.Writer) {
	return func(in frames, out io.Writer) {
		_, _ = io.WriteString(out, plainHello)
		_, _ = in.next()
		for {
			request, err := in.next()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(out, `<rpc-reply message-id="%s">%s</rpc-reply>%s`, messageID(request), body, endOfMessage)
		}
	}
}

func hasty() *Driver {
	d := newDriver()
	d.Timeout, d.CommitTimeout, d.ConfirmTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	return d
}

// dialled opens a session on a scripted switch.
func dialled(t *testing.T, script func(in frames, out io.Writer)) *session {
	t.Helper()
	s, err := newDriver().open(t.Context(), scripted(t, script))
	require.NoError(t, err)
	t.Cleanup(s.login.close)
	s.limit = 300 * time.Millisecond
	return s
}

func TestASwitchThatOffersChunkedFramingIsSpokenToWithout(t *testing.T) {
	t.Parallel()
	ours := make(chan string, 1)
	s := dialled(t, func(in frames, out io.Writer) {
		_, _ = io.WriteString(out, strings.Replace(plainHello, "</capabilities>",
			"<capability>urn:ietf:params:netconf:base:1.1</capability></capabilities>", 1))
		hello, _ := in.next()
		ours <- string(hello)
		request, _ := in.next()
		_, _ = fmt.Fprintf(out, `<rpc-reply message-id="%s"><ok/></rpc-reply>%s`, messageID(request), endOfMessage)
	})
	_, err := s.rpc(bare("discard-changes"))
	require.NoError(t, err)
	offered := <-ours
	require.Contains(t, offered, "base:1.0")
	require.NotContains(t, offered, "base:1.1")
}

func TestASwitchWithoutAHelloIsGivenUpAtTheDeadline(t *testing.T) {
	t.Parallel()
	sw := scripted(t, func(frames, io.Writer) {})
	_, err := hasty().open(t.Context(), sw)
	require.ErrorContains(t, err, "tor-x")
	require.ErrorContains(t, err, "start netconf")
}

func TestAHelloThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for name, hello := range map[string]string{
		"another message":   "<rpc-reply/>",
		"chunks alone":      "<hello><capabilities><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities><session-id>7</session-id></hello>",
		"no session number": "<hello><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>",
		"no XML":            "login incorrect",
	} {
		sw := scripted(t, func(_ frames, out io.Writer) { _, _ = io.WriteString(out, hello+endOfMessage) })
		_, err := newDriver().open(t.Context(), sw)
		require.ErrorContains(t, err, "start netconf", name)
	}
}

func TestAHelloWithoutNamespaceIsRead(t *testing.T) {
	t.Parallel()
	s := dialled(t, func(_ frames, out io.Writer) {
		_, _ = io.WriteString(out, strings.Replace(plainHello, ` xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"`, "", 1))
	})
	require.Equal(t, 7, s.netconf.SessionID)
}

func TestAMarkThatArrivesInPiecesEndsTheMessage(t *testing.T) {
	t.Parallel()
	s := dialled(t, func(in frames, out io.Writer) {
		_, _ = io.WriteString(out, plainHello)
		_, _ = in.next()
		request, _ := in.next()
		reply := fmt.Sprintf(`<rpc-reply message-id="%s"><ok/></rpc-reply>%s`, messageID(request), endOfMessage)
		for _, c := range []byte(reply) { // one SSH packet each
			_, _ = out.Write([]byte{c})
		}
	})
	_, err := s.rpc(bare("discard-changes"))
	require.NoError(t, err)
}

func TestAReplyToAnotherRequestDropsTheSession(t *testing.T) {
	t.Parallel()
	s := dialled(t, func(in frames, out io.Writer) {
		_, _ = io.WriteString(out, plainHello)
		_, _ = in.next()
		_, _ = in.next()
		_, _ = io.WriteString(out, `<rpc-reply message-id="from-before"><ok/></rpc-reply>`+endOfMessage)
	})
	_, err := s.rpc(bare("discard-changes"))
	require.ErrorContains(t, err, `reply to message "from-before"`)
	_, again := s.rpc(bare("discard-changes"))
	require.Equal(t, err, again, "a dropped session is not used again")
}

func TestAnErrorInsideCommitResultsIsAnError(t *testing.T) {
	t.Parallel()
	s := dialled(t, says(`<commit-results><routing-engine><name>re0</name><rpc-error><error-type>application</error-type>`+
		`<error-severity>error</error-severity><error-path>[edit interfaces]</error-path><error-message>
mgd: too many</error-message></rpc-error></routing-engine></commit-results>`))
	err := s.commitConfirmed(time.Second, time.Minute)
	require.ErrorIs(t, err, metal.ErrConfigRefused)
	require.ErrorContains(t, err, "[edit interfaces]: mgd: too many")
	require.NoError(t, s.lost, "an answer is no reason to leave")
}

func TestAWarningIsNoError(t *testing.T) {
	t.Parallel()
	s := dialled(t, says(`<rpc-error><error-severity>warning</error-severity><error-message>statement not found</error-message></rpc-error><ok/>`))
	require.NoError(t, s.discard())
}

func TestASilentSwitchIsLeftAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := dialled(t, func(_ frames, out io.Writer) { _, _ = io.WriteString(out, plainHello) })
	require.ErrorContains(t, s.discard(), "session lost")
}

// Bytes that trickle must not push the deadline out.
func TestASwitchThatOnlyTricklesIsLeftAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := dialled(t, func(_ frames, out io.Writer) {
		_, _ = io.WriteString(out, plainHello)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := io.WriteString(out, " "); err != nil {
				return
			}
		}
	})
	began := time.Now()
	require.Error(t, s.discard())
	require.Less(t, time.Since(began), 3*time.Second)
}

func TestAnEndedContextEndsAnOperation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := newDriver().open(ctx, scripted(t, func(in frames, out io.Writer) {
		_, _ = io.WriteString(out, plainHello)
		_, _ = in.next()
		_, _ = in.next()
		cancel()
	}))
	require.NoError(t, err)
	require.ErrorIs(t, s.discard(), context.Canceled)
}

// A lock denied in the words of RFC 6241 alone names a session and nothing
// else; who that is stands at the end of what one may read.
func TestALockHolderThatTheDenialDoesNotNameIsAskedFor(t *testing.T) {
	t.Parallel()
	s := dialled(t, func(in frames, out io.Writer) {
		_, _ = io.WriteString(out, plainHello)
		_, _ = in.next()
		for _, body := range []string{
			`<rpc-error><error-tag>lock-denied</error-tag><error-severity>error</error-severity><error-info><session-id>99</session-id></error-info></rpc-error>`,
			`<data><configuration/><database-status-information>
				<database-status><user>other</user><pid>98</pid></database-status>
				<database-status><user>eve</user><terminal>pts/0</terminal><pid>99</pid>
				<start-time xmlns:junos="http://xml.juniper.net/junos/24.4R1/junos" junos:seconds="1601354977">2020-09-29 06:49:37 CEST</start-time></database-status>
				</database-status-information></data>`,
		} {
			request, _ := in.next()
			_, _ = fmt.Fprintf(out, `<rpc-reply message-id="%s">%s</rpc-reply>%s`, messageID(request), body, endOfMessage)
		}
	})
	var held *LockHeld
	require.ErrorAs(t, s.lock(), &held)
	require.Equal(t, metal.LockHolder{Session: "99", User: "eve", Since: time.Unix(1601354977, 0).UTC()}, held.Holder())
	require.ErrorContains(t, held, "session 99 of eve since 2020-09-29T04:49:37Z")
}

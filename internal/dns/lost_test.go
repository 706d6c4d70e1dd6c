package dns_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/dns"
	"millwright/internal/metal"
)

// Whichever answer is lost, the same call again ends as if nothing had been:
// the server has taken what it was asked, and nobody heard of it.
func TestACallMayLoseAnyAnswerAndRunAgain(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	for lost := int64(1); lost <= 7; lost++ { // three looks, the update, three looks
		zone := server.Zone(names)
		flaky := zone
		flaky.Server = losing(t, server.Addr, lost)
		requireWeather(t, d.Set(t.Context(), flaky, record(first, "192.0.2.1", "2001:db8::1")))
		requireTaken(t, afterAll(d.Set(t.Context(), zone, record(first, "192.0.2.1", "2001:db8::1")),
			func() error { return d.Set(t.Context(), zone, record(second, "192.0.2.2")) }), first)

		flaky.Server = losing(t, server.Addr, min(lost, 5)) // after the update one look is enough
		requireWeather(t, d.Remove(t.Context(), flaky, web, first))
		require.NoError(t, d.Remove(t.Context(), zone, web, first))
		owned, err := d.Owned(t.Context(), zone)
		require.NoError(t, err)
		require.Equal(t, []metal.OwnedName(nil), owned)
	}
}

func afterAll(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// Between the look and the update, the name changes hands: the prerequisites
// see it, and nothing of the next owner's is touched.
func TestAnUpdateThatComesLateTakesNothing(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]func(d *dns.Driver, zone metal.Zone) error{
		"remove": func(d *dns.Driver, zone metal.Zone) error { return d.Remove(t.Context(), zone, web, first) },
		"set": func(d *dns.Driver, zone metal.Zone) error {
			return d.Set(t.Context(), zone, record(first, "192.0.2.7"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, server := setup(t)
			zone := server.Zone(names)
			require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.1")))
			slow := zone
			slow.Server = between(t, server.Addr, &proxy{beforeUpdate: func() error {
				if err := d.Remove(t.Context(), zone, web, first); err != nil {
					return err
				}
				return d.Set(t.Context(), zone, record(second, "192.0.2.1"))
			}})
			err := late(d, slow)
			if name == "set" {
				requireTaken(t, err, second)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, []string{"192.0.2.1"}, server.Dig(t, web, "A"))
			requireTaken(t, d.Set(t.Context(), zone, record(first, "192.0.2.7")), second)
		})
	}
}

func TestAFreeNameThatIsTakenMeanwhileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"A 192.0.2.99", "MX 10 mail.example.", "CNAME www.example."} {
		d, server := setup(t)
		zone := server.Zone(names)
		slow := zone
		slow.Server = between(t, server.Addr, &proxy{beforeUpdate: func() error {
			server.Edit(t, "add "+web+" 60 "+line)
			return nil
		}})
		requireTaken(t, d.Set(t.Context(), slow, record(first, "192.0.2.1")), "")
		require.NotContains(t, strings.Join(server.Dig(t, web, "TXT"), " "), "heritage")
		require.NotContains(t, server.Dig(t, web, "A"), "192.0.2.1")
	}
}

// proxy is what stands between a driver and its server.
type proxy struct {
	lose         int64        // the number of the answer that is lost, with its connection; 0 for none
	beforeUpdate func() error // done once, before the first update is passed on

	answers atomic.Int64
	once    sync.Once
}

func losing(t *testing.T, server string, n int64) string {
	t.Helper()
	return between(t, server, &proxy{lose: n})
}

// between starts a proxy in front of a server.
func between(t *testing.T, server string, p *proxy) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(t, client, server)
		}
	}()
	return l.Addr().String()
}

// pass carries whole messages both ways until either side hangs up.
func (p *proxy) pass(t *testing.T, client net.Conn, server string) {
	defer client.Close()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer up.Close()
	go carry(client, up, func(m []byte) bool {
		if opcode := m[2] >> 3 & 0xf; opcode == 5 && p.beforeUpdate != nil { // RFC 2136 section 1.3
			p.once.Do(func() {
				if err := p.beforeUpdate(); err != nil {
					t.Errorf("before the update: %v", err)
				}
			})
		}
		return true
	})
	carry(up, client, func([]byte) bool { return p.answers.Add(1) != p.lose })
}

func carry(from, to net.Conn, keep func([]byte) bool) {
	for {
		var size [2]byte // RFC 1035 section 4.2.2
		if _, err := io.ReadFull(from, size[:]); err != nil {
			return
		}
		message := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(from, message); err != nil || len(message) < 12 || !keep(message) {
			return
		}
		if _, err := to.Write(append(size[:], message...)); err != nil {
			return
		}
	}
}

package machine

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// straight is a cable to whatever is dialled, with no DHCP at its end.
type straight struct{}

func (straight) Exchange(ctx context.Context, _ *dhcpv4.DHCPv4) (*dhcpv4.DHCPv4, error) {
	return nil, context.Cause(ctx)
}

func (straight) Dial(ctx context.Context, _ net.Addr, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

func newLife(t testing.TB) *life {
	m := New(Config{Machine: metal.Machine{ID: "m1"}, Hardware: Hardware{Disks: []Drive{{Serial: "S1"}}}, Wire: straight{}})
	l := &life{Machine: m}
	l.configure(lease{})
	t.Cleanup(l.hangUp)
	return l
}

// site serves each path's text, with URL replaced by its own.
func site(t testing.TB, pages map[string]string) string {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, found := pages[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, strings.ReplaceAll(page, "URL", server.URL))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAScriptBootsWhatItsLinesSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, want string }{
		"a missing kernel":               {"kernel URL/none\nboot", `"kernel": fetch URL/none: 404 Not Found`},
		"boot without a kernel":          {"boot", `"boot": no kernel is loaded`},
		"an unknown command":             {"bot", `"bot": no such command`},
		"an end without a boot":          {"echo hello", "the script ended without booting anything"},
		"a label that is not there":      {"goto again", `"goto": no label "again"`},
		"a disk that holds nothing":      {"sanboot --drive 0x80", `"sanboot": the disk holds no system`},
		"no page to chain to":            {"chain URL/none", `"chain": fetch URL/none: 404 Not Found`},
		"a page that is no script":       {"chain URL/kernel", `"chain": URL/kernel: not an iPXE script: it does not begin with #!ipxe`},
		"a round without a sleep":        {":again\ngoto again", "the script took 10000 steps"},
		"seconds that are none":          {"sleep long", `"sleep": seconds: strconv.Atoi: parsing "long": invalid syntax`},
		"the last of the alternatives":   {"boot || bot || goto x", `"boot": no label "x"`},
		"exit":                           {"exit 1", ""},
		"a way out of a failing sanboot": {"sanboot --drive 0x80 || exit", ""},
		"a kernel":                       {"kernel URL/kernel a=b\ninitrd URL/kernel\nboot", ""},
		"a comment and a label":          {"# bot\n:bot\nexit", ""},
		"a jump over what fails":         {"kernel URL/none || goto on\nbot\n:on\nexit", ""},
		"a failure that does not matter": {"boot ||\nexit", ""},
		"another script in its place":    {"chain --replace --autofree URL/exit\nbot", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := site(t, map[string]string{"/": "#!ipxe\n" + c.script + "\n", "/kernel": "k", "/exit": "#!ipxe\nexit\n"})
			next, err := newLife(t).boot(t.Context(), url+"/")
			if c.want == "" {
				require.NoError(t, err)
				require.NotNil(t, next)
				return
			}
			require.EqualError(t, err, strings.ReplaceAll(c.want, "URL", url))
		})
	}
}

func TestAScriptsErrorsDoNotNameItsToken(t *testing.T) {
	t.Parallel()
	url := site(t, map[string]string{"/": "#!ipxe\nkernel URL/none?t=secret millwright.token=secret\n"})
	for _, where := range []string{url, "http://127.0.0.1:1"} { // refused by boot, and by nobody being there
		_, err := newLife(t).boot(t.Context(), where+"/?t=secret")
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestAScriptCanFollowTheRetryOfABootService(t *testing.T) {
	t.Parallel()
	url := site(t, map[string]string{"/": "#!ipxe\n:again\nimgfree\nsleep 0 ||\nchain --replace --autofree URL/next || goto again\n", "/next": "#!ipxe\nexit\n"})
	_, err := newLife(t).boot(t.Context(), url+"/")
	require.NoError(t, err)
}

// FuzzScript holds that no script makes a machine panic or run for ever.
func FuzzScript(f *testing.F) {
	for _, script := range []string{"kernel a\nboot", "sanboot || exit", ":a\ngoto a", "sleep 5 ||\nchain x || goto a", "|| ||"} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ctx, stop := context.WithCancel(t.Context())
		stop() // a script may sleep, and ask for pages of anybody
		l := newLife(t)
		run := &interpreter{life: l, script: &script{lines: strings.Split(text, "\n")}}
		for range 100 {
			line, more := run.script.line()
			if !more {
				return
			}
			if end, err := run.alternatives(ctx, line); end != nil || err != nil {
				require.True(t, end == nil || err == nil, "an ending or an error, not both")
				return
			}
		}
	})
}

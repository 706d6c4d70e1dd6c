package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/api"
)

// limited serves the world with limits, as behind a proxy of ours: a test says
// in X-Forwarded-For who it is.
func limited(t *testing.T, perSecond float64, burst int) *world {
	w := setup(t, func(c *api.Config) { c.Limits = api.NewLimits(perSecond, burst) })
	return w
}

func TestWhoAsksTooOftenIsToldWhenToAskAgain(t *testing.T) {
	t.Parallel()
	w := limited(t, 0.001, 5)
	for left := 4; left >= 0; left-- {
		got := w.want(200, "collaborator", "GET", "/projects", nil)
		require.Equal(t, "5", got.header.Get("X-RateLimit-Limit"))
		require.Equal(t, strconv.Itoa(left), got.header.Get("X-RateLimit-Remaining"))
		reset, err := strconv.ParseInt(got.header.Get("X-RateLimit-Reset"), 10, 64)
		require.NoError(t, err)
		require.True(t, time.Unix(reset, 0).After(time.Now()), "in a thousand seconds for each that is gone")
	}
	got := w.do("collaborator", "GET", "/projects", nil)
	w.refused(got, 429, "you ask too often")
	wait, err := strconv.Atoi(got.header.Get("Retry-After"))
	require.NoError(t, err)
	require.InDelta(t, 1000, wait, 30)
	require.Equal(t, "0", got.header.Get("X-RateLimit-Remaining"))
	w.want(200, "admin", "GET", "/projects", nil)
	require.Equal(t, "50", w.want(200, "operator", "GET", "/projects", nil).header.Get("X-RateLimit-Limit"))

	before := w.changes()
	w.refused(w.do("collaborator", "POST", "/projects", `{}`), 429, "you ask too often")
	require.Equal(t, before, w.changes(), "a flood does not fill the record")
}

func TestAUsersKeysShareALimitAndAProjectsKeyHasItsOwn(t *testing.T) {
	t.Parallel()
	w := limited(t, 0.001, 2)
	w.want(200, "owner", "GET", "/projects", nil)
	w.want(200, "read_only", "GET", "/projects", nil) // another key of the owner
	w.refused(w.do("owner", "GET", "/projects", nil), 429, "you ask too often")
	w.refused(w.do("read_only", "GET", "/projects", nil), 429, "you ask too often")
	require.NotEqual(t, 429, w.do("project_key", "GET", "/projects/"+w.project, nil).code)
}

func TestGuessingIsSlowAndHarmsNobodyBesideIt(t *testing.T) {
	t.Parallel()
	w := limited(t, 1000, 1000)
	w.want(200, "owner", "GET", "/projects", nil)
	before := w.changes()
	codes := map[int]int{}
	for i := range 60 {
		got := w.do("", "POST", "/projects", `{}`, "X-Auth-Token", fmt.Sprint("guess-", i))
		require.NotEmpty(t, got.header.Get("X-RateLimit-Remaining"))
		codes[got.code]++
	}
	require.GreaterOrEqual(t, codes[401], 30)
	require.NotZero(t, codes[429])
	require.Equal(t, before, w.changes())
	w.want(200, "owner", "GET", "/projects", nil) // from the same address, with a key that was right before
}

func TestOnlyOurProxiesSayWhoAsks(t *testing.T) {
	t.Parallel()
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct {
		peer, source string
		forwarded    []string
	}{
		{"192.0.2.1:9", "192.0.2.1", nil},
		{"192.0.2.1:9", "192.0.2.1", []string{"198.51.100.1"}},
		{"10.0.0.1:9", "198.51.100.1", []string{"198.51.100.1"}},
		{"10.0.0.1:9", "198.51.100.1", []string{"203.0.113.9, 198.51.100.1"}},
		{"10.0.0.1:9", "198.51.100.1", []string{"203.0.113.9", "198.51.100.1, 10.2.3.4"}},
		{"[2001:db8::1]:9", "2001:4860::1", []string{"2001:4860::1"}},
		{"[::ffff:10.0.0.1]:9", "198.51.100.1", []string{"::ffff:198.51.100.1"}},
		{"10.0.0.1:9", "10.0.0.1", nil},
		{"10.0.0.1:9", "10.0.0.1", []string{"unknown"}},
		{"10.0.0.1:9", "10.9.9.9", []string{"<script>, 10.9.9.9"}},
		{"10.0.0.1:9", "10.1.1.1", []string{"10.1.1.1"}},
	} {
		var got string
		handler := api.BehindProxies(ours, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = c.peer
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		handler.ServeHTTP(nil, r)
		at, err := netip.ParseAddrPort(got)
		require.NoError(t, err, got)
		require.Equal(t, c.source, at.Addr().String(), "%+v", c)
	}
}

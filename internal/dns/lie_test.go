package dns

import (
	"context"
	"encoding/base64"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// What no real server does on demand: a server that lies, or that somebody
// speaks for.
func TestAnAnswerCountsOnlyIfTheServerSignedAllOfIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change    func(r *dns.Msg, isUpdate bool)
		sign      string
		want      string
		permanent error
	}{
		"not signed":        {sign: "", want: "ask for TXT: the answer is not signed"},
		"another's":         {sign: "another.", want: "ask for TXT: dns: no secrets defined"},
		"forged":            {sign: "forged", want: "ask for TXT: dns: bad signature"},
		"cut short":         {change: func(r *dns.Msg, _ bool) { r.Truncated = true }, sign: "key.", want: "cut short"},
		"from memory":       {change: func(r *dns.Msg, _ bool) { r.Authoritative = false }, sign: "key.", want: "no authoritative answer", permanent: metal.ErrBadZone},
		"an ill server":     {change: func(r *dns.Msg, _ bool) { r.Rcode = dns.RcodeServerFailure }, sign: "key.", want: "ask: it answers SERVFAIL"},
		"a full disk":       {change: ifUpdate(dns.RcodeServerFailure), sign: "key.", want: "update: it answers SERVFAIL"},
		"no updates at all": {change: ifUpdate(dns.RcodeNotImplemented), sign: "key.", want: "takes no updates at all (NOTIMP)", permanent: metal.ErrBadZone},
		"another zone":      {change: ifUpdate(dns.RcodeNotZone), sign: "key.", want: "(NOTZONE)", permanent: metal.ErrBadZone},
		"it forgets":        {sign: "key.", want: "it still does not read back as set after 4 rounds"},
		"it forgets half":   {change: marked, sign: "key.", want: "it still does not read back as set after 4 rounds"},
		"it always changed": {change: ifUpdate(dns.RcodeNXRrset), sign: "key.", want: "has records of other types", permanent: metal.ErrNameTaken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, zone := lying(t, c.sign, c.change)
			err := d.Set(t.Context(), zone, metal.Record{Name: "web1.lab1.example.net", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Owner: "device/1"})
			require.ErrorContains(t, err, c.want)
			for _, sentinel := range []error{metal.ErrBadCredentials, metal.ErrBadZone, metal.ErrNameTaken} {
				if sentinel == c.permanent {
					require.ErrorIs(t, err, sentinel)
				} else {
					require.NotErrorIs(t, err, sentinel)
				}
			}
		})
	}
}

func ifUpdate(rcode int) func(*dns.Msg, bool) {
	return func(r *dns.Msg, isUpdate bool) {
		if isUpdate {
			r.Rcode = rcode
		}
	}
}

// marked shows the mark of the device of this test, and nothing else.
func marked(r *dns.Msg, _ bool) {
	if name := r.Question[0].Name; r.Question[0].Qtype == dns.TypeTXT {
		r.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{ours + "device=1"}}}
	}
}

// lying starts a server that has no name, agrees to all updates, and changes
// and signs its answers as it is told.
func lying(t *testing.T, sign string, change func(*dns.Msg, bool)) (*Driver, metal.Zone) {
	t.Helper()
	secret := base64.StdEncoding.EncodeToString([]byte("of this test"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &dns.Server{Listener: l, TsigSecret: map[string]string{"key.": secret, "another.": secret}}
	if sign == "forged" {
		server.TsigSecret["key."] = base64.StdEncoding.EncodeToString([]byte("of a forger"))
	}
	server.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept } // its own takes no updates
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
		r := new(dns.Msg).SetReply(m)
		r.Authoritative = true
		if change != nil {
			change(r, m.Opcode == dns.OpcodeUpdate)
		}
		if sign != "" {
			r.SetTsig(strings.Replace(sign, "forged", "key.", 1), dns.HmacSHA256, fudge, time.Now().Unix())
		}
		_ = w.WriteMsg(r) // the driver may have hung up
	})
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { l.Close() })
	d := &Driver{Timeout: 30 * time.Second, Credentials: func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{User: "key", Password: secret}, nil
	}}
	return d, metal.Zone{Name: "lab1.example.net", Server: l.Addr().String(), Credential: "dns"}
}

func FuzzHeritage(f *testing.F) {
	for _, seed := range []string{"device/1", "port/tor-r1:xe-0/0/7", "/", "a=b/c", "device/\"", "device/é", "import/was there"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, who string) {
		text, err := heritage(metal.Holder(who))
		if err != nil {
			require.ErrorIs(t, err, metal.ErrInvalidName)
			return
		}
		packed := make([]byte, 1024)
		rr := &dns.TXT{Hdr: dns.RR_Header{Name: "a.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{text}}
		n, err := dns.PackRR(rr, packed, 0, nil, false)
		require.NoError(t, err)
		back, _, err := dns.UnpackRR(packed[:n], 0)
		require.NoError(t, err)
		got, ok := owner(back)
		require.True(t, ok)
		require.Equal(t, metal.Holder(who), got, "as a zone gives it back")
	})
}

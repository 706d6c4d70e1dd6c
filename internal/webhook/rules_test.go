package webhook_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/webhook"
)

func TestWebhooksReachTheInternetAlone(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"8.8.8.8", "198.20.0.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "2400::1"} {
		require.NoError(t, webhook.Rules{}.CheckAddress(netip.MustParseAddr(open)), open)
	}
	for _, closed := range []string{
		"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "100::1",
		"2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
	} {
		require.ErrorContains(t, webhook.Rules{}.CheckAddress(netip.MustParseAddr(closed)), "may not reach it", closed)
	}
	allow := webhook.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	for _, open := range []string{"10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "fd00::1%eth0"} {
		require.NoError(t, allow.CheckAddress(netip.MustParseAddr(open)), open)
	}
	require.Error(t, allow.CheckAddress(netip.MustParseAddr("10.2.0.1")))
}

func TestAURLThatNoEndpointHasIsRefusedAndSaysWhy(t *testing.T) {
	t.Parallel()
	for raw, why := range map[string]string{
		"":                                 "https://",
		"https://":                         "no host",
		"https:///hook":                    "no host",
		"https://:443/":                    "no host",
		"http://example.com/":              "https://",
		"ftp://example.com/":               "https://",
		"file:///etc/passwd":               "https://",
		"example.com/hook":                 "https://",
		"https:example.com":                "no host",
		"https://me:secret@example.com/":   "a user or a password",
		"https://me@example.com/":          "a user or a password",
		"https://example.com/#x":           "fragment",
		"https://example.com/#":            "fragment",
		"https://example.com:0/":           "port",
		"https://example.com:99999/":       "port",
		"https://example.com:x/":           "no URL",
		"https://exam ple.com/":            "no URL",
		"https://example.com/\r\nHost: x":  "no URL",
		"https://example.com/\x00":         "no URL",
		"https://127.0.0.1/":               "may not reach",
		"https://[::1]/":                   "may not reach",
		"https://[::ffff:169.254.169.254]": "may not reach",
		"https://[fe80::1%25eth0]/":        "may not reach",
		"https://example.com/" + strings.Repeat("x", 2048): "at most",
	} {
		require.ErrorContains(t, webhook.Rules{}.CheckURL(raw), why, raw)
	}
	for _, raw := range []string{"https://example.com", "https://example.com:8443/hook?token=1", "https://8.8.8.8/", "https://[2606:4700::1111]:8443/", "https://bücher.example/"} {
		err := webhook.Rules{}.CheckURL(raw)
		if strings.Contains(raw, "ü") {
			require.ErrorContains(t, err, "no URL", "give it in ASCII: xn--…")
			continue
		}
		require.NoError(t, err, raw)
	}
	require.NoError(t, webhook.Rules{Plain: true}.CheckURL("http://example.com/"))
}

func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://example.com/", "https://127.0.0.1:80/", "https://[::1]", "https://a@b", "http://x", "https://[::ffff:10.0.0.1]/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if (webhook.Rules{}).CheckURL(raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		require.NotEmpty(t, u.Hostname())
		if a, err := netip.ParseAddr(u.Hostname()); err == nil {
			a = a.Unmap()
			require.True(t, a.IsGlobalUnicast() && !a.IsPrivate(), raw)
		}
	})
}

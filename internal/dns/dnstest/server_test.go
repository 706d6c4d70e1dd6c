package dnstest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/dns/dnstest"
)

func TestTwoServersServeTheirOwnZones(t *testing.T) {
	t.Parallel()
	a := dnstest.Start(t, "lab1.example.net", "2.0.192.in-addr.arpa", "0/26.2.0.192.in-addr.arpa")
	b := dnstest.Start(t, "lab1.example.net")
	a.Edit(t, "add www.lab1.example.net 60 A 192.0.2.2", "add www.lab1.example.net 60 A 192.0.2.1")
	a.Edit(t, "add 1.2.0.192.in-addr.arpa 60 CNAME 1.0/26.2.0.192.in-addr.arpa.")
	a.Edit(t, "add 1.0/26.2.0.192.in-addr.arpa. 60 PTR www.lab1.example.net.")
	require.Equal(t, []string{"192.0.2.1", "192.0.2.2"}, a.Dig(t, "www.lab1.example.net", "A"))
	require.Equal(t, []string{"1.0/26.2.0.192.in-addr.arpa."}, a.Dig(t, "192.0.2.1", "-x"))
	require.Equal(t, []string{"www.lab1.example.net."}, a.Dig(t, "1.0/26.2.0.192.in-addr.arpa", "PTR"))
	require.Empty(t, b.Dig(t, "www.lab1.example.net", "A"))
}

func TestAServerKeepsItsZonesOverARestart(t *testing.T) {
	t.Parallel()
	s := dnstest.Start(t, "lab1.example.net")
	s.Edit(t, `add www.lab1.example.net 60 TXT "two words"`)
	s.Stop(t)
	s.Restart(t)
	require.Equal(t, []string{`"two words"`}, s.Dig(t, "www.lab1.example.net", "TXT"))
}

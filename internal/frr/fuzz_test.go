package frr

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzRunningConfigurationsAreReadWithoutInventingLines(f *testing.F) {
	f.Add("Current configuration:\n!\nip route 203.0.113.9/32 10.0.0.1 swp1\n!\ninterface swp1\n no ipv6 nd suppress-ra\nexit\n!\n" +
		"router bgp 65000\n neighbor 10.0.0.1 remote-as 65001\n neighbor 10.0.0.1 description millwright swp1\n !\n" +
		" address-family ipv4 unicast\n  no neighbor 10.0.0.1 activate\n exit-address-family\nexit\n!\nend\n")
	f.Add(" neighbor 10.0.0.1 remote-as 1\n")
	f.Add("router\n neighbor 10.0.0.1 remote-as 1\n")
	f.Add("router bgp\n no bgp default ipv4-unicast\n neighbor\nip prefix-list millwright--4 seq\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range parseRunning(text).lines {
			require.True(t, strings.Contains(text, l.text) || strings.HasSuffix(l.text, " activate"), "%q", l.text)
			require.NotContains(t, l.text, "\n")
		}
	})
}

func FuzzTablesAreReadWithoutInventingRules(f *testing.F) {
	f.Add("table inet millwright {\n\tchain from-swp1 {\n\t\tdrop\n\t}\n\n\tchain received {\n\t\tiifname vmap { \"swp1\" : jump from-swp1,\n\t\t\t       \"swp2\" : jump from-swp2 }\n\t}\n}\n", "swp1")
	f.Add("\tmap x {\n\t\tvmap {\n", "")
	f.Fuzz(func(t *testing.T, text, port string) {
		table := parseTable(text)
		for _, rules := range table {
			for _, rule := range rules {
				require.Contains(t, text, rule)
			}
		}
		for _, l := range table.lines(port) {
			require.Equal(t, filter, l.place)
		}
	})
}

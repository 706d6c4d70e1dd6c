package junos

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// piecesOf renders ports that nothing is wrong with.
func piecesOf(t *testing.T, ports ...metal.PortIntent) []piece {
	t.Helper()
	d := render(metal.Switch{ID: "tor-r1"}, ports, keyring{"bgp-m7": {key: fakeKey}})
	require.Empty(t, d.refused)
	return d.of(d.names())
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// asConfigured is a switch's configuration where all pieces are as intended.
func asConfigured(pieces []piece) *element {
	configuration := &element{name: "configuration"}
	for _, p := range pieces {
		if p.want != nil {
			graft(configuration, p.path, p.want)
		}
	}
	return configuration
}

func indented(e *element, indent string) string {
	if len(e.children) == 0 {
		return indent + e.String() + "\n"
	}
	var b strings.Builder
	b.WriteString(indent + "<" + e.name + ">\n")
	for _, c := range e.children {
		b.WriteString(indented(c, indent+"  "))
	}
	b.WriteString(indent + "</" + e.name + ">\n")
	return b.String()
}

func TestNamesFromOutsideCannotBecomeMarkup(t *testing.T) {
	t.Parallel()
	nasty := parked("xe-0/0/7")
	nasty.Machine = `m7</description><disable/><description a="&`
	pieces := piecesOf(t, nasty)
	edit, err := parse([]byte(editFor(pieces, nil).String()))
	require.NoError(t, err)
	require.Nil(t, edit.at("interfaces", "interface", "disable"))
	require.Equal(t, "millwright "+string(nasty.Machine)+" parked", edit.at("interfaces", "interface", "description").text)
}

func TestTheOrderThatJunosGivesListsIsNoDifference(t *testing.T) {
	t.Parallel()
	a, err := parse([]byte(`<f><name>x</name><term><name>1</name></term><term><name>2</name></term><address><name>2001:DB8:0::1/127</name></address><address><name>10.0.0.0/31</name></address></f>`))
	require.NoError(t, err)
	b, err := parse([]byte(`<f xmlns:junos="http://xml.juniper.net/junos/22.4R3/junos"><term><name>1</name></term><term><name>2</name></term><junos:comment>/* hands off */</junos:comment><address><name>10.0.0.0/31</name></address><address><name>2001:db8::1/127</name></address><name>x</name></f>`))
	require.NoError(t, err)
	require.Equal(t, a.canonical(), b.canonical())
}

func TestTheOrderOfTermsIsADifference(t *testing.T) {
	t.Parallel()
	a := branch("filter", branch("term", leaf("name", "1")), branch("term", leaf("name", "2")))
	b := branch("filter", branch("term", leaf("name", "2")), branch("term", leaf("name", "1")))
	require.NotEqual(t, a.canonical(), b.canonical())
}

func TestADeactivatedStatementIsNotThere(t *testing.T) {
	t.Parallel()
	pieces := piecesOf(t, parked("xe-0/0/7"))
	for _, place := range []string{"<interface>", "<filter>", "<firewall>", "<group>", "<input>"} {
		text := strings.Replace(asConfigured(pieces).String(), place, strings.Replace(place, ">", ` inactive="inactive">`, 1), 1)
		configuration, err := parse([]byte(text))
		require.NoError(t, err)
		require.NotEmpty(t, differing(pieces, configuration), place)
	}
	require.Empty(t, differing(pieces, asConfigured(pieces)))
}

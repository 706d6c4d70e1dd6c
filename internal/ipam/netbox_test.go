package ipam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func readFile(t *testing.T, name string, netbox NetBox) Plan {
	t.Helper()
	file, err := os.Open("testdata/netbox/" + name)
	require.NoError(t, err)
	defer file.Close()
	plan, err := Read(file, name, netbox)
	require.NoError(t, err)
	return plan
}

// wants is a plan in short.
func wants(p Plan) []string {
	lines := []string{}
	for _, w := range p.Aggregates {
		lines = append(lines, fmt.Sprintf("%d aggregate %s %s %s %s", w.At.Line, w.Thing.Prefix, w.Thing.Registry, dateOf(w.Thing.Given), w.Thing.Note))
	}
	for _, w := range p.Blocks {
		b := w.Thing
		lines = append(lines, fmt.Sprintf("%d %s %s %s %s %s %s", w.At.Line, b.Purpose, b.Prefix, b.Site, b.Role, b.Project, b.Note))
	}
	for _, w := range p.Leases {
		lines = append(lines, fmt.Sprintf("%d lease %s %s %s", w.At.Line, w.Thing.Prefix, w.Thing.Holder, w.Thing.Project))
	}
	for _, l := range p.LeftOut {
		lines = append(lines, l.String())
	}
	return lines
}

func TestNetBoxTablesAreRead(t *testing.T) {
	t.Parallel()
	netbox := NetBox{Roles: map[string]metal.Role{"customer-links": metal.Public}}
	require.Equal(t, []string{
		"2 aggregate 198.51.100.0/24 ripe 2025-11-22 ours",
		"3 aggregate 10.0.0.0/8 rfc1918  ",
		"4 aggregate 2001:db8::/32 ripe 2025-11-22 ",
	}, wants(readFile(t, "aggregates.csv", netbox)))
	require.Equal(t, []string{
		"3 pool 198.51.100.0/25 lab-1 public  links of machines",
		"4 reservation 198.51.100.16/28 lab-1 public acme-corp ",
		"7 pool 10.64.0.0/16 lab-1 private  ",
		"8 pool 2001:db8:64::/48 lab-1 public  ",
		"5 lease 198.51.100.32/28 imported/198.51.100.32/28 ",
		"prefixes.csv:2: 198.51.100.0/24 is a container in NetBox: it only holds other prefixes, which are cut from an aggregate here",
		"prefixes.csv:6: 198.51.100.128/26 is deprecated in NetBox: nobody uses it",
	}, wants(readFile(t, "prefixes.csv", netbox)))
	require.Equal(t, []string{
		"2 lease 198.51.100.1/32 imported/web1 acme-corp",
		"3 lease 198.51.100.3/32 project/acme-corp ",
		"4 lease 198.51.100.5/32 imported/printer.example.net ",
		"6 lease 198.51.100.9/32 imported/198.51.100.9/25 ",
		"ip-addresses.csv:5: 198.51.100.7/25 is deprecated in NetBox: nobody uses it",
	}, wants(readFile(t, "ip-addresses.csv", netbox)))
}

func TestNetBoxListsOfRESTAreRead(t *testing.T) {
	t.Parallel()
	netbox := NetBox{Site: "lab2", Role: metal.Private}
	require.Equal(t, []string{
		"6 pool 198.51.100.0/25 lab1 public  3.x: a site",
		"14 reservation 198.51.100.16/28 lab1 public acme 4.x: a scope, and the RIR of its aggregate",
		"22 pool 2001:db8:64::/48 lab2 private  ",
	}, wants(readFile(t, "prefixes.json", netbox)))
	require.Equal(t, []string{
		"6 lease 198.51.100.1/32 imported/web1 acme",
		"13 lease 2001:db8:64::1/128 project/acme ",
	}, wants(readFile(t, "ip-addresses.json", netbox)))
}

func TestAllOfNetBoxFitsTogether(t *testing.T) {
	t.Parallel()
	netbox := NetBox{Roles: map[string]metal.Role{"customer-links": metal.Public}}
	plan := Join(readFile(t, "aggregates.csv", netbox), readFile(t, "prefixes.csv", netbox), readFile(t, "ip-addresses.csv", netbox))
	added, err := plan.Against(Snapshot{})
	require.NoError(t, err)
	require.Len(t, added.Leases, 5)
	require.Len(t, added.LeftOut, 3)
	require.Equal(t, prefix("198.51.100.0/25"), added.Blocks[2].Thing.Parent)
	require.Equal(t, prefix("198.51.100.0/25"), added.Leases[0].Thing.Block)
}

func TestWhatNetBoxLeavesOpenIsAsked(t *testing.T) {
	t.Parallel()
	const header = "prefix,status,site,role,vrf,tenant\n"
	for row, want := range map[string]string{
		"198.51.100.0/24,active,,public,,":                                                   "f:2: block 198.51.100.0/24: not allowed: it has no site; name one",
		"198.51.100.0/24,active,lab1,,,":                                                     "f:2: block 198.51.100.0/24 has no role; write one of public, private, install, management, loopback, link, anycast",
		"198.51.100.0/24,active,lab1,Staging,,":                                              "f:2: NetBox's role \"Staging\" is none here; say which of public, private, install, management, loopback, link, anycast it is\nf:2: block 198.51.100.0/24 has no role; write one of public, private, install, management, loopback, link, anycast",
		"198.51.100.0/24,active,lab1,public,Red,":                                            `f:2: 198.51.100.0/24 is in VRF "Red", and here is one space of addresses; leave its rows out, or import them without the column vrf`,
		"198.51.100.0/24,active,lab1,public,,東京":                                             `f:2: tenant "東京" has no letter that a name can have; rename it in NetBox`,
		"198.51.100.0/25,active,lab1,public,,A B\n198.51.100.128/25,active,lab1,public,,A-B": `f:3: tenants "A B" and "A-B" would both be a-b; rename one in NetBox`,
	} {
		require.Equal(t, want, refused(t, header+row, NetBox{}), row)
	}
}

// exports writes a snapshot in each form that can be read back.
func exports(t require.TestingT, s Snapshot) map[string][]io.Reader {
	files := map[string][]io.Reader{}
	write := func(form string, export func(io.Writer, Snapshot) error) {
		var out bytes.Buffer
		require.NoError(t, export(&out, s))
		files[form] = append(files[form], &out)
	}
	write("ours", ExportCSV)
	for _, list := range []string{NetBoxAggregates, NetBoxPrefixes, NetBoxIPAddresses} {
		write("NetBox CSV", NetBoxExport{List: list}.CSV)
		write("NetBox CSV, scoped", NetBoxExport{List: list, Scoped: true}.CSV)
		write("NetBox JSON", NetBoxExport{List: list}.JSON)
	}
	return files
}

func TestNetBoxGetsItsOwnFields(t *testing.T) {
	t.Parallel()
	var prefixes, addresses bytes.Buffer
	require.NoError(t, NetBoxExport{List: NetBoxPrefixes, Scoped: true}.CSV(&prefixes, lab()))
	require.NoError(t, NetBoxExport{List: NetBoxIPAddresses}.JSON(&addresses, lab()))
	golden(t, "netbox-prefixes.csv", prefixes.Bytes())
	golden(t, "netbox-addresses.json", addresses.Bytes())
	require.True(t, json.Valid(addresses.Bytes()))
}

func TestWhatIsEditedInNetBoxWins(t *testing.T) {
	t.Parallel()
	plan, err := Read(bytes.NewReader([]byte("prefix,status,site,role,tenant,description,comments\n"+
		"198.51.100.16/28,active,lab1,public,globex,for them,millwright:kind=block&project=acme&purpose=own&role=public&site=lab1\n")), "f", NetBox{})
	require.NoError(t, err)
	require.Equal(t, []string{"2 own 198.51.100.16/28 lab1 public globex for them"}, wants(plan))
}

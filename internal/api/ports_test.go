package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// bond is the ID of the bond of a device's machine, and nic that of its first
// NIC, as the database finds them.
func (w *world) ports(device string) (bond, nic string) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), `select stable_id('bond', m.id), stable_id('port', n.mac::text)
		from machines m join nics n on n.machine = m.id and n.position = 0 where m.device = $1`, device).Scan(&bond, &nic))
	return bond, nic
}

func TestADevicesPortsAreABondAndWhatIsInIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bond, nic := w.ports(w.active("o-1"))
	got := w.want(200, "owner", "GET", "/ports/"+bond, nil)
	require.Equal(t, "NetworkBondPort", got.body["type"])
	require.Equal(t, "bond0", got.body["name"])
	require.Equal(t, "layer3", got.body["network_type"])
	require.Equal(t, map[string]any{"bonded": true}, got.body["data"], "a bond has no MAC")
	require.NotContains(t, got.body, "bond")
	got = w.want(200, "owner", "GET", "/ports/"+nic, nil)
	require.Equal(t, "NetworkPort", got.body["type"])
	require.Equal(t, "eth0", got.body["name"])
	require.Regexp(t, `^([0-9a-f]{2}:){5}[0-9a-f]{2}$`, got.body["data"].(map[string]any)["mac"])
	require.Equal(t, map[string]any{"id": bond, "name": "bond0"}, got.body["bond"])
	w.refused(w.do("stranger", "GET", "/ports/"+nic, nil), 404, "Not found")
}

func TestThePortsOfAnIdleMachineAreNobodys(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var id string
	require.NoError(t, w.sql.QueryRow(t.Context(), `select stable_id('bond', 'm1')`).Scan(&id))
	for _, role := range []string{"owner", "operator"} {
		w.refused(w.do(role, "GET", "/ports/"+id, nil), 404, "Not found")
	}
}

func TestAPortIsRoutedAndBondedAndStaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bond, nic := w.ports(w.active("o-1"))
	for _, id := range []string{bond, nic} {
		is := w.want(200, "owner", "GET", "/ports/"+id, nil).body
		for _, done := range []string{"bond", "bond?bulk_enable=true", "convert/layer-3"} {
			require.Equal(t, is, w.want(200, "collaborator", "POST", "/ports/"+id+"/"+done, nil).body, done)
		}
		for _, refused := range []string{"convert/layer-2", "assign", "unassign", "native-vlan", "vlan-assignments/batches"} {
			w.refused(w.do("owner", "POST", "/ports/"+id+"/"+refused, `{"vnid":"1000"}`), 422, "no VLAN")
		}
		w.refused(w.do("owner", "DELETE", "/ports/"+id+"/native-vlan", nil), 422, "no VLAN")
		w.refused(w.do("owner", "POST", "/ports/"+id+"/disbond", nil), 422, "bonded: ")
		require.Empty(t, w.want(200, "owner", "GET", "/ports/"+id+"/vlan-assignments", nil).list(t, "vlan_assignments"))
		w.refused(w.do("limited_collaborator", "POST", "/ports/"+id+"/bond", nil), 403, "device")
		require.Equal(t, is, w.want(200, "owner", "GET", "/ports/"+id, nil).body)
	}
}

func TestAPortIsNotGivenAddressesThatItsDeviceHasNot(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bond, _ := w.ports(w.active("o-1"))
	const path = "/convert/layer-3"
	w.want(200, "owner", "POST", "/ports/"+bond+path, `{"request_ips":[{"address_family":4,"public":true},{"address_family":4,"public":false}]}`)
	w.refused(w.do("owner", "POST", "/ports/"+bond+path, `{"request_ips":[{"address_family":6,"public":false}]}`), 422, "request_ips: ")
}

func TestThereAreNoVLANs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := "/projects/" + w.project + "/virtual-networks"
	require.Empty(t, w.want(200, "owner", "GET", path, nil).list(t, "virtual_networks"))
	w.refused(w.do("owner", "POST", path, `{"vxlan":1000,"metro":"lab"}`), 422, "no VLAN")
	w.refused(w.do("stranger", "GET", path, nil), 404, "Not found")
	for _, absent := range []string{"/virtual-networks/x", "/projects/" + w.project + "/vrfs", "/projects/" + w.project + "/metal-gateways",
		"/market/spot/prices", "/projects/" + w.project + "/spot-market-requests", "/projects/" + w.project + "/licenses", "/connections"} {
		w.refused(w.do("owner", "GET", absent, nil), 404, "Not found")
		w.refused(w.do("owner", "POST", absent, `{}`), 404, "Not found")
	}
}

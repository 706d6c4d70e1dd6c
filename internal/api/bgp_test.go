package api_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// peering gives the world's site BGP, as its file would.
func (w *world) peering() {
	w.exec(`update sites set as_number = 65530, peer_as = 65000, bgp_addresses = '{169.254.255.1,169.254.255.2}' where id = $1`, site)
}

func TestBGPIsEnabledAndSessionsAreOpenedAndClosed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.peering()
	project := "/projects/" + w.project
	config := w.want(200, "owner", "GET", project+"/bgp-config", nil)
	require.JSONEq(t, "{}", config.raw, "the Kubernetes providers take an empty object for nothing")
	device := w.active("o1")
	sessions := "/devices/" + device + "/bgp/sessions"
	w.refused(w.do("owner", "POST", sessions, `{"address_family":"ipv4"}`), 422, "has no BGP; enable it first")

	asked := w.want(204, "owner", "POST", project+"/bgp-configs", `{"deployment_type":"local","asn":65000,"md5":"","use_case":"balancer"}`)
	require.Empty(t, asked.raw)
	config = w.want(200, "owner", "GET", project+"/bgp-config", nil)
	require.Equal(t, []any{"enabled", "local", 65000.0, nil}, []any{config.body["status"], config.body["deployment_type"], config.body["asn"], config.body["md5"]})
	_, err := uuid.Parse(config.body["id"].(string))
	require.NoError(t, err)

	made := w.want(201, "owner", "POST", sessions, `{"address_family":"ipv4","default_route":true}`)
	require.Equal(t, []any{"ipv4", "unknown", true}, []any{made.body["address_family"], made.body["status"], made.body["default_route"]})
	require.Equal(t, []string{"bring " + device}, w.runs.asked)
	at := "/bgp/sessions/" + made.body["id"].(string)
	w.refused(w.do("owner", "POST", sessions, `{"address_family":"ipv4"}`), 422, "already has session")
	w.exec(`update bgp_sessions set state = 'Established', seen_at = now()`)
	require.Equal(t, "up", w.want(200, "owner", "GET", at, nil).body["status"])
	require.Equal(t, false, w.want(200, "owner", "PUT", at, `{"default_route":false}`).body["default_route"])
	w.refused(w.do("owner", "PUT", at, `{"address_family":"ipv6"}`), 422, "address_family: ")
	six := w.want(201, "owner", "POST", sessions, `{"address_family":"ipv6"}`)
	for _, list := range []string{sessions, project + "/bgp/sessions"} {
		require.Equal(t, []string{made.body["id"].(string), six.body["id"].(string)}, ids(w.want(200, "owner", "GET", list, nil), "bgp_sessions"))
	}
	require.Len(t, w.want(200, "owner", "GET", project+"/bgp-config", nil).body["sessions"], 2)

	w.refused(w.do("owner", "POST", project+"/bgp-configs", `{"deployment_type":"local","asn":65001}`), 422, "asn: sessions are on with AS 65000")
	w.want(204, "owner", "POST", project+"/bgp-configs", `{"deployment_type":"local"}`)
	w.want(204, "owner", "DELETE", at, nil)
	w.refused(w.do("owner", "GET", at, nil), 404, "Not found")
	w.want(204, "owner", "DELETE", "/bgp/sessions/"+six.body["id"].(string), nil)
	require.Equal(t, []string{"bring " + device, "bring " + device, "bring " + device, "bring " + device}, w.runs.asked)
	for kind, n := range map[string]int{"bgp_config.enabled": 2, "bgp_session.created": 2, "bgp_session.deleted": 2} {
		require.Equal(t, n, w.count(`select count(*) from events where kind = $1`, kind), kind)
	}
}

func TestNeighborsSayWhatADeviceHasToConfigure(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.peering()
	w.exec(`insert into project_bgp (project, deployment, peer_as, secret) values ($1, 'local', 65000, 'acme-bgp')`, w.project)
	device := w.active("o1")
	neighbors := "/devices/" + device + "/bgp/neighbors"
	require.Empty(t, w.want(200, "owner", "GET", neighbors, nil).body["bgp_neighbors"])
	reserved := w.reserve(1).body["address"].(string)
	w.want(201, "owner", "POST", "/devices/"+device+"/bgp/sessions", `{"address_family":"ipv4","default_route":true}`)
	w.want(201, "owner", "POST", "/devices/"+device+"/bgp/sessions", `{"address_family":"ipv6"}`)
	list := w.want(200, "owner", "GET", neighbors, nil)
	require.NotContains(t, list.raw, "acme-bgp", "a key's name is the operators'")
	four := list.body["bgp_neighbors"].([]any)[0].(map[string]any)
	var private string
	for _, a := range w.want(200, "owner", "GET", "/devices/"+device+"/ips", nil).body["ip_addresses"].([]any) {
		if a := a.(map[string]any); a["public"] == false {
			private = a["address"].(string)
		}
	}
	require.Equal(t, map[string]any{
		"address_family": 4.0, "customer_as": 65000.0, "customer_ip": private, "peer_as": 65530.0, "peer_ips": []any{"169.254.255.1", "169.254.255.2"},
		"md5_enabled": true, "md5_password": nil, "multihop": true,
		"routes_in": []any{map[string]any{"route": reserved + "/32", "exact": false}}, "routes_out": []any{map[string]any{"route": "0.0.0.0/0", "exact": true}},
	}, four)
	require.Equal(t, 6.0, list.body["bgp_neighbors"].([]any)[1].(map[string]any)["address_family"])

	w.want(204, "owner", "POST", "/projects/"+w.project+"/bgp-configs", `{"deployment_type":"local","asn":65000}`)
	require.Equal(t, 1, w.count(`select count(*) from project_bgp where secret = 'acme-bgp'`), "the key that operators gave it stays")
}

func TestBGPThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	configs := "/projects/" + w.project + "/bgp-configs"
	for body, word := range map[string]string{
		`{}`: "deployment_type: ", `{"deployment_type":"planetary"}`: "deployment_type: ", `{"deployment_type":"global","asn":64496}`: "deployment_type: operators",
		`{"deployment_type":"local","md5":"Secret12345"}`: "md5: operators", `{"deployment_type":"local","asn":3320}`: "asn: 3320 is not private",
		`{"deployment_type":"local","asn":4294967296}`: "asn: ", `{"deployment_type":"local","asn":"x"}`: "asn: ", `[]`: "body: ",
	} {
		got := w.do("owner", "POST", configs, body)
		w.refused(got, 422, word)
		require.NotContains(t, got.raw, "Secret12345")
	}
	require.Zero(t, w.count(`select count(*) from project_bgp`))
	require.Zero(t, w.count(`select count(*) from changes where outcome like '%Secret12345%'`))
	w.want(204, "operator", "POST", configs, `{"deployment_type":"global","asn":3320}`)

	device := w.active("o1")
	sessions := "/devices/" + device + "/bgp/sessions"
	w.refused(w.do("owner", "POST", sessions, `{"address_family":"ipv5"}`), 422, "address_family: ")
	w.refused(w.do("owner", "POST", sessions, `{"address_family":"ipv4"}`), 422, "site lab1 has no BGP")
	w.peering()
	w.exec(`update devices set network_frozen = true where id = $1`, device)
	w.refused(w.do("owner", "POST", sessions, `{"address_family":"ipv4"}`), 422, "network_frozen: ")
	w.exec(`update devices set network_frozen = false, state = 'failed' where id = $1`, device)
	w.refused(w.do("owner", "POST", sessions, `{"address_family":"ipv4"}`), 422, "is failed")
	require.Zero(t, w.count(`select count(*) from bgp_sessions`))
	require.Empty(t, w.runs.asked)
}

func TestAnotherTenantsSessionsAreNotThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.peering()
	w.want(204, "owner", "POST", "/projects/"+w.project+"/bgp-configs", `{"deployment_type":"local"}`)
	device := w.active("o1")
	made := w.want(201, "owner", "POST", "/devices/"+device+"/bgp/sessions", `{"address_family":"ipv4"}`)
	at := "/bgp/sessions/" + made.body["id"].(string)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		w.refused(w.do("stranger", method, at, nil), 404, "Not found")
	}
	w.refused(w.do("limited_collaborator", "DELETE", at, nil), 403, "may not delete")
	w.want(200, "limited_collaborator", "GET", at, nil)
}

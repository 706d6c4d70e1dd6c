package api_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// reserve reserves public IPv4 addresses of the world's project.
func (w *world) reserve(quantity int) answer {
	w.t.Helper()
	return w.want(201, "collaborator", "POST", "/projects/"+w.project+"/ips", map[string]any{"type": "public_ipv4", "quantity": quantity, "metro": metro})
}

const metro = "lab"

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), sql, args...).Scan(&n))
	return n
}

func TestAddressesAreReservedAssignedAndReleased(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ips := "/projects/" + w.project + "/ips"
	require.Empty(t, w.want(200, "owner", "GET", ips, nil).body["ip_addresses"], "a new project has none")

	made := w.want(201, "collaborator", "POST", ips, `{"type":"public_ipv4","quantity":4,"metro":"LAB","facility":"","details":"front","comments":"shop","tags":["a"],"customdata":"{\"x\":1}"}`)
	for field, want := range map[string]any{
		"type": "public_ipv4", "state": "created", "cidr": 30.0, "address_family": 4.0, "netmask": "255.255.255.252", "public": true,
		"global_ip": false, "management": false, "addon": true, "details": "front", "tags": []any{"a"}, "customdata": map[string]any{"x": 1.0},
		"assignments": []any{}, "project": map[string]any{"href": "/metal/v1/projects/" + w.project},
	} {
		require.Equal(t, want, made.body[field], field)
	}
	require.Equal(t, "lab", made.body["metro"].(map[string]any)["code"])
	require.Equal(t, site, made.body["facility"].(map[string]any)["code"])
	at := "/ips/" + made.body["id"].(string)
	first := made.body["network"].(string)

	require.Len(t, w.want(200, "owner", "GET", at+"/available?cidr=32", nil).body["available"], 4)
	require.Equal(t, []any{first + "/31"}, w.want(200, "owner", "GET", at+"/available", `{"cidr":31}`).body["available"].([]any)[:1], "packngo sends a body")

	device, other := w.active("o1"), w.active("o2")
	given := w.want(201, "collaborator", "POST", "/devices/"+device+"/ips", map[string]any{"address": first, "manageable": true, "customdata": map[string]any{"y": 2}})
	for field, want := range map[string]any{
		"type": "IPAssignment", "address": first, "cidr": 32.0, "management": false, "manageable": true, "public": true, "customdata": map[string]any{"y": 2.0},
		"assigned_to": map[string]any{"href": "/metal/v1/devices/" + device},
	} {
		require.Equal(t, want, given.body[field], field)
	}
	require.Equal(t, "/metal/v1"+at, given.body["parent_block"].(map[string]any)["href"])
	require.Equal(t, []string{"bring " + device}, w.runs.asked)
	require.Positive(t, w.count(`select count(*) from ports where device = $1 and applied < generation`, device), "its port waits for a commit")
	assigned := "/ips/" + given.body["id"].(string)
	require.Equal(t, given.body, w.want(200, "owner", "GET", assigned, nil).body)
	require.Equal(t, given.body, w.want(200, "owner", "GET", at, nil).body["assignments"].([]any)[0])
	require.Len(t, w.want(200, "owner", "GET", at+"/available?cidr=32", nil).body["available"], 3)
	require.Equal(t, given.body, w.want(201, "owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": first + "/32"}).body, "asking twice is asking once")

	w.refused(w.do("owner", "POST", "/devices/"+other+"/ips", map[string]any{"address": first}), 422, "address: device "+device+" has")
	w.refused(w.do("owner", "DELETE", at, nil), 422, "unassign it first")
	w.want(204, "owner", "DELETE", assigned, nil)
	w.refused(w.do("owner", "GET", assigned, nil), 404, "Not found")
	w.want(201, "owner", "POST", "/devices/"+other+"/ips", map[string]any{"address": made.body["network"].(string) + "/30"})
	w.want(204, "owner", "DELETE", "/ips/"+ids(w.want(200, "owner", "GET", "/devices/"+other+"/ips", nil), "ip_addresses")[indexOf(t, w, other)], nil)
	w.want(204, "owner", "DELETE", at, nil)
	w.refused(w.do("owner", "GET", at, nil), 404, "Not found")
	require.Empty(t, w.want(200, "owner", "GET", ips+"?types=public_ipv4", nil).body["ip_addresses"])
	for kind, n := range map[string]int{"ip_reservation.created": 1, "ip_reservation.released": 1, "ip_address.assigned": 2, "ip_address.unassigned": 2} {
		require.Equal(t, n, w.count(`select count(*) from events where kind = $1`, kind), kind)
	}
}

// indexOf finds a device's elastic address in its list.
func indexOf(t *testing.T, w *world, device string) int {
	t.Helper()
	for i, a := range w.want(200, "owner", "GET", "/devices/"+device+"/ips", nil).body["ip_addresses"].([]any) {
		if a.(map[string]any)["management"] == false {
			return i
		}
	}
	t.Fatal("the device has no elastic address")
	return 0
}

func TestADevicesOwnAddressesHaveIDsAndStay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.active("o1")
	own := w.want(200, "owner", "GET", "/devices/"+device+"/ips", nil).body["ip_addresses"].([]any)
	require.Len(t, own, 3)
	for _, a := range own {
		address := a.(map[string]any)
		require.Equal(t, true, address["management"], address)
		at := "/ips/" + address["id"].(string)
		require.Equal(t, address, w.want(200, "owner", "GET", at, nil).body, "the database and the API make the same ID")
		w.refused(w.do("owner", "DELETE", at, nil), 422, "it came with device "+device)
		changed := w.want(200, "owner", "PATCH", at, `{"details":"mine","tags":["t"],"customdata":{"z":3}}`)
		require.Equal(t, "mine", changed.body["details"])
		require.Equal(t, map[string]any{"z": 3.0}, w.want(200, "owner", "GET", at+"/customdata", nil).body)
	}

	blocks := w.want(200, "owner", "GET", "/projects/"+w.project+"/ips?types=private_ipv4", nil)
	require.Len(t, blocks.body["ip_addresses"], 1)
	block := blocks.body["ip_addresses"].([]any)[0].(map[string]any)
	require.Equal(t, []any{true, 25.0, "private_ipv4", false}, []any{block["management"], block["cidr"], block["type"], block["public"]})
	require.NotContains(t, block, "assignments", "who has what of it stands with devices")
	prefix := block["network"].(string) + "/25"
	at := "/ips/" + block["id"].(string)
	require.Equal(t, block, w.want(200, "owner", "GET", at, nil).body)
	require.Empty(t, w.want(200, "owner", "GET", at+"/available?cidr=31", nil).body["available"])
	w.refused(w.do("owner", "DELETE", at, nil), 422, "id: "+prefix)
	w.refused(w.do("owner", "PATCH", at, `{"tags":[]}`), 422, "id: "+prefix)
	require.Empty(t, ids(w.want(200, "owner", "GET", "/projects/"+w.project+"/ips?types=public_ipv4,global_ipv4&types=vrf", nil), "ip_addresses"))
	require.Len(t, ids(w.want(200, "owner", "GET", "/projects/"+w.project+"/ips?metro=lab&facility=lab1", nil), "ip_addresses"), 2, "the private /25 and the IPv6 /56")
	require.Empty(t, ids(w.want(200, "owner", "GET", "/projects/"+w.project+"/ips?metro=da", nil), "ip_addresses"))
}

func TestWordsOfAReservationChangeAndThoseOfAnAddressEndWithIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.reserve(1)
	at := "/ips/" + made.body["id"].(string)
	changed := w.want(200, "owner", "PATCH", at, `{"details":"d","tags":["x","y"]}`)
	require.Equal(t, []any{"d", []any{"x", "y"}}, []any{changed.body["details"], changed.body["tags"]})
	require.Equal(t, "d", w.want(200, "owner", "PATCH", at, `{"customdata":{"k":"v"}}`).body["details"], "what is left out stays")
	require.Empty(t, w.want(200, "owner", "PATCH", at, `{"tags":[]}`).body["tags"])

	device := w.active("o1")
	give := map[string]any{"address": made.body["address"], "details": "once"}
	given := w.want(201, "owner", "POST", "/devices/"+device+"/ips", give)
	require.Equal(t, "once", given.body["details"])
	w.want(204, "owner", "DELETE", "/ips/"+given.body["id"].(string), nil)
	prefix := netip.MustParsePrefix(made.body["address"].(string) + "/32")
	_, err := w.store.AssignPiece(t.Context(), made.body["id"].(string), prefix, metal.DeviceID(device)) // as an operator does
	require.NoError(t, err)
	again := w.want(200, "owner", "GET", "/ips/"+given.body["id"].(string), nil)
	require.NotContains(t, again.body, "details", "what was said of it while it was assigned before")
}

func TestReservationsThatCannotBeAreRefusedByField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, word := range map[string]string{
		`{}`:                                   "type: missing",
		`{"type":"vrf","quantity":1}`:          "type: ",
		`{"type":"private_ipv4","quantity":1}`: "type: private addresses come with each device",
		`{"type":"public_ipv4","metro":"lab"}`: "quantity: 0",
		`{"type":"public_ipv4","quantity":3,"metro":"lab"}`:                                              "quantity: 3",
		`{"type":"public_ipv4","quantity":512,"metro":"lab"}`:                                            "quantity: 512",
		`{"type":"public_ipv4","quantity":-4,"metro":"lab"}`:                                             "quantity: -4",
		`{"type":"public_ipv4","quantity":"four","metro":"lab"}`:                                         "quantity: ",
		`{"type":"public_ipv4","quantity":1}`:                                                            "metro: missing",
		`{"type":"public_ipv4","quantity":1,"metro":"mars"}`:                                             "metro: ",
		`{"type":"public_ipv4","quantity":1,"facility":"mars1"}`:                                         "facility: ",
		`{"type":"public_ipv4","quantity":1,"facility":"lab1","metro":"da"}`:                             "facility: lab1 is in metro lab",
		`{"type":"global_ipv4","quantity":1,"metro":"lab"}`:                                              "metro: a global address",
		`{"type":"global_ipv4","quantity":1}`:                                                            "quantity: no IPv4 /32 is free there",
		`{"type":"public_ipv4","quantity":16,"metro":"lab","fail_on_approval_required":true}`:            "quantity: an IPv4 /28 waits for an operator",
		`{"type":"public_ipv4","quantity":1,"metro":"lab","vrf_id":"x"}`:                                 "vrf_id: ",
		`{"type":"public_ipv4","quantity":1,"metro":"lab","tags":[""]}`:                                  "tags: ",
		`{"type":"public_ipv4","quantity":1,"metro":"lab","customdata":[]}`:                              "customdata: ",
		`{"type":"public_ipv4","quantity":1,"metro":"lab","details":"` + strings.Repeat("x", 501) + `"}`: "details: ",
		`{"type":"public_ipv4","quantity":1,"metro":"lab"`:                                               "body: ",
	} {
		w.refused(w.do("owner", "POST", "/projects/"+w.project+"/ips", body), 422, word)
	}
	w.exec(`insert into quotas (project, resource, most) values ($1, 'reserved-ipv4', 2)`, w.project)
	w.refused(w.do("owner", "POST", "/projects/"+w.project+"/ips", `{"type":"public_ipv4","quantity":4,"metro":"lab"}`), 422, "quantity: project")
	require.Zero(t, w.count(`select count(*) from reservations`))
	require.Zero(t, w.count(`select count(*) from events where kind like 'ip%'`))
}

func TestAssignmentsThatCannotBeAreRefusedByField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.active("o1")
	mine := w.reserve(4).body["network"].(string)
	theirs := w.want(201, "stranger", "POST", "/projects/"+w.otherProject+"/ips", `{"type":"public_ipv4","quantity":1,"metro":"lab"}`).body["address"].(string)
	linked := w.want(200, "owner", "GET", "/devices/"+device+"/ips", nil).body["ip_addresses"].([]any)[0].(map[string]any)["address"].(string)
	for address, word := range map[string]string{
		"": "address: missing", "nonsense": "address: ", "::ffff:1.2.3.4": "address: ", "fe80::1%eth0": "address: ", theirs: "address: " + theirs,
		linked: "address: " + linked, "203.0.113.255": "address: 203.0.113.255", mine + "/29": "address: ",
		netip.MustParseAddr(mine).Next().String() + "/30": "address: ",
	} {
		w.refused(w.do("owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": address}), 422, word)
	}
	w.refused(w.do("owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": mine, "manageable": false}), 422, "manageable: ")
	w.exec(`update devices set network_frozen = true where id = $1`, device)
	w.refused(w.do("owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": mine}), 422, "network_frozen: ")
	w.exec(`update devices set network_frozen = false where id = $1`, device)
	given := w.want(201, "owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": mine})
	w.exec(`update devices set network_frozen = true where id = $1`, device)
	w.refused(w.do("owner", "DELETE", "/ips/"+given.body["id"].(string), nil), 422, "network_frozen: ")
	w.refused(w.do("owner", "POST", "/devices/"+uuid.NewString()+"/ips", map[string]any{"address": mine}), 404, "Not found")
	require.Equal(t, 1, w.count(`select count(*) from pieces p join blocks b on b.prefix = p.block where b.purpose = 'reservation' and p.device is not null`))

	at := "/ips/" + ids(w.want(200, "owner", "GET", "/projects/"+w.project+"/ips?types=public_ipv4", nil), "ip_addresses")[0]
	for _, cidr := range []string{"29", "33", "x", "-1", ""} {
		w.refused(w.do("owner", "GET", at+"/available?cidr="+cidr, nil), 422, "cidr: ")
	}
}

func TestLargeReservationsWaitForAnOperator(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.reserve(16)
	require.Equal(t, "pending", made.body["state"])
	require.NotContains(t, made.body, "address")
	at := "/ips/" + made.body["id"].(string)
	require.Empty(t, w.want(200, "owner", "GET", at+"/available?cidr=32", nil).body["available"])
	w.want(204, "owner", "DELETE", at, nil)
	w.refused(w.do("owner", "GET", at, nil), 404, "Not found")
}

func TestGlobalAndIPv6AddressesAreReserved(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`select add_block('192.0.2.0/24', null, null, 'anycast', 'pool', null, '')`)
	global := w.want(201, "owner", "POST", "/projects/"+w.project+"/ips", `{"type":"global_ipv4","quantity":1}`)
	require.Equal(t, []any{"global_ipv4", true}, []any{global.body["type"], global.body["global_ip"]})
	require.NotContains(t, global.body, "metro")
	w.exec(`select add_block('2001:db8:77::/48', null, $1, 'public', 'pool', null, '')`, site)
	six := w.want(201, "owner", "POST", "/projects/"+w.project+"/ips", `{"type":"public_ipv6","quantity":2,"facility":"lab1"}`)
	require.Equal(t, []any{"public_ipv6", 63.0, 6.0}, []any{six.body["type"], six.body["cidr"], six.body["address_family"]})
	require.Len(t, w.want(200, "owner", "GET", "/ips/"+six.body["id"].(string)+"/available?cidr=128", nil).body["available"], 1024, "an answer ends somewhere")
	device := w.active("o1")
	part := w.want(200, "owner", "GET", "/ips/"+six.body["id"].(string)+"/available?cidr=112", nil).body["available"].([]any)[1].(string)
	given := w.want(201, "owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": part})
	require.Equal(t, given.body, w.want(200, "owner", "GET", "/ips/"+given.body["id"].(string), nil).body)
	w.want(201, "owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": global.body["address"]})
}

func TestAnotherTenantsAddressesAreNotThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.reserve(1)
	device := w.active("o1")
	given := w.want(201, "project_key", "POST", "/devices/"+device+"/ips", map[string]any{"address": made.body["address"]})
	for _, id := range []any{made.body["id"], given.body["id"], uuid.NewString(), "x"} {
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			w.refused(w.do("stranger", method, fmt.Sprint("/ips/", id), `{}`), 404, "Not found")
		}
	}
	w.refused(w.do("read_only", "DELETE", fmt.Sprint("/ips/", given.body["id"]), nil), 403, "read-only")
	w.refused(w.do("limited_collaborator", "DELETE", fmt.Sprint("/ips/", given.body["id"]), nil), 403, "may not delete this address")
	w.refused(w.do("billing", "GET", fmt.Sprint("/ips/", given.body["id"]), nil), 403, "may not see")
	w.want(200, "limited_collaborator", "GET", fmt.Sprint("/ips/", given.body["id"]), nil)
	w.want(204, "operator", "DELETE", fmt.Sprint("/ips/", given.body["id"]), nil)
}

func TestARepeatedRequestReservesAndAssignsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.active("o1")
	var both [2]answer
	for i := range both {
		both[i] = w.want(201, "owner", "POST", "/projects/"+w.project+"/ips", `{"type":"public_ipv4","quantity":1,"metro":"lab"}`, "Idempotency-Key", "k1")
	}
	require.Equal(t, both[0].body, both[1].body)
	require.Equal(t, "true", both[1].header.Get("Idempotent-Replayed"))
	for range 2 {
		given := w.want(201, "owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": both[0].body["address"]}, "Idempotency-Key", "k2")
		require.Equal(t, both[0].body["address"], given.body["address"])
	}
	require.Equal(t, 1, w.count(`select count(*) from reservations`))
	require.Equal(t, 2, w.count(`select count(*) from changes where outcome = 'done' and project = $1`, w.project))
}

package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

// order is the smallest order for a device, with more fields of JSON.
func order(more string) string {
	return `{"plan":"` + plan + `","operating_system":"` + system + `","facility":["` + site + `"]` + more + `}`
}

func (w *world) devices() string { return "/projects/" + w.project + "/devices" }

// ordered orders a device and returns its ID.
func (w *world) ordered(more string) string {
	w.t.Helper()
	return w.want(201, "owner", "POST", w.devices(), order(more)).body["id"].(string)
}

// provisioned orders a device and ends its provision well.
func (w *world) provisioned(more string) string {
	w.t.Helper()
	id := w.ordered(more)
	w.installed("provision-"+id, id)
	return id
}

// publicKey makes a new one, on one line.
func publicKey(t *testing.T) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(&private.PublicKey)
	require.NoError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func TestADeviceIsOrderedWithEverythingThatItsClientsSend(t *testing.T) {
	t.Parallel()
	w := setup(t)
	key := w.want(201, "owner", "POST", "/projects/"+w.project+"/ssh-keys", map[string]string{"label": "k", "key": publicKey(t)})
	got := w.want(201, "owner", "POST", w.devices(), order(`,"hostname":"web1.example.net","description":"a web server",
		"billing_cycle":"monthly","userdata":"#!/bin/sh\necho hello","customdata":"{\"a\":1}","tags":["x","y"],"metro":"",
		"spot_instance":false,"spot_price_max":"0","hardware_reservation_id":"","ipxe_script_url":"","locked":true,
		"public_ipv4_subnet_size":31,"features":{"tpm":"preferred"},"storage":{"disks":null},"project_ssh_keys":["`+key.body["id"].(string)+`"],
		"ssh_keys":[{"label":"mine","key":"`+publicKey(t)+`"}],"unknown":"field","termination_time":"2099-01-02T03:04:05"`))
	id := got.body["id"].(string)
	require.Equal(t, "queued", got.body["state"])
	require.Equal(t, id[:8], got.body["short_id"])
	require.Equal(t, "web1.example.net", got.body["hostname"])
	require.Equal(t, "a web server", got.body["description"])
	require.Equal(t, "monthly", got.body["billing_cycle"])
	require.Equal(t, "#!/bin/sh\necho hello", got.body["userdata"])
	require.Equal(t, map[string]any{"a": 1.0}, got.body["customdata"])
	require.Equal(t, []any{"x", "y"}, got.body["tags"])
	require.Equal(t, true, got.body["locked"])
	require.Equal(t, "2099-01-02T03:04:05Z", got.body["termination_time"])
	require.Nil(t, got.body["storage"])
	require.Equal(t, []any{}, got.body["volumes"])
	require.Equal(t, plan, got.body["plan"].(map[string]any)["slug"])
	require.NotEmpty(t, got.body["operating_system"].(map[string]any)["name"])
	require.Equal(t, site, got.body["facility"].(map[string]any)["code"])
	require.Len(t, got.body["ssh_keys"], 1, "a key for one device alone is no key of the project")
	creator := got.body["created_by"].(map[string]any)
	require.Equal(t, w.users["owner"], creator["id"])
	require.Equal(t, w.users["owner"][:8], creator["short_id"])
	require.Equal(t, 1, w.runs.orders[metal.OrderID("provision-"+id)], "its run was not started")
	require.Len(t, w.want(200, "owner", "GET", "/devices/"+id+"/metadata", nil).body["ssh_keys"], 2)
	require.Len(t, w.want(200, "owner", "GET", "/devices/"+id+"/ssh-keys", nil).body["ssh_keys"], 1)
	require.Equal(t, got.body["userdata"], w.want(200, "owner", "GET", "/devices/"+id+"/userdata", nil).body["userdata"])
	require.Equal(t, 1.0, w.want(200, "owner", "GET", "/devices/"+id+"/customdata", nil).body["a"])
}

func TestAnActiveDeviceHasItsAddressesAsManagement(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	got := w.want(200, "owner", "GET", "/devices/"+id, nil)
	require.Equal(t, "active", got.body["state"])
	require.EqualValues(t, 100, got.body["provisioning_percentage"])
	require.NotEmpty(t, got.body["provisioning_events"])
	require.NotNil(t, got.body["switch_uuid"])
	require.Equal(t, "bond0", got.body["network_ports"].([]any)[0].(map[string]any)["name"])
	told := w.want(200, "owner", "GET", "/devices/"+id+"/metadata", nil).body["network"].(map[string]any)
	require.Len(t, told["addresses"], 3)
	require.NotEmpty(t, told["interfaces"].([]any)[0].(map[string]any)["mac"])
	kinds := map[string]bool{}
	for _, item := range got.body["ip_addresses"].([]any) {
		a := item.(map[string]any)
		require.Equal(t, "IPAssignment", a["type"])
		require.Equal(t, true, a["management"])
		require.NotEqual(t, a["address"], a["gateway"])
		require.NotEmpty(t, a["parent_block"].(map[string]any)["network"])
		kinds[fmt.Sprint(a["address_family"], a["public"])] = true
	}
	require.Equal(t, map[string]bool{"4 true": true, "4 false": true, "6 true": true}, kinds)
	included := w.want(200, "owner", "GET", "/devices/"+id+"?include=project,facility", nil)
	require.Equal(t, "acme", included.body["project"].(map[string]any)["name"])
}

func TestADeviceHasOnlyTheLinksThatItWasOrderedWith(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned(`,"ip_addresses":[{"address_family":4,"public":false,"cidr":31}]`)
	addresses := w.want(200, "owner", "GET", "/devices/"+id, nil).body["ip_addresses"].([]any)
	require.Len(t, addresses, 1)
	require.Equal(t, false, addresses[0].(map[string]any)["public"])
}

func TestWhatCannotBeOrderedIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.store.CheckUserData = func(metal.FirstBootMethod, []byte) error { return errors.New("no user data of cloud-init") }
	for _, c := range []struct{ body, says string }{
		{`{"operating_system":"debian_12","metro":"` + "x" + `"}`, "plan:"},
		{order(`,"plan":"m9.huge"`), "plan:"},
		{order(`,"operating_system":"beos"`), "operating_system:"},
		{`{"plan":"` + plan + `","operating_system":"` + system + `"}`, "metro:"},
		{`{"plan":"` + plan + `","operating_system":"` + system + `","metro":"nowhere"}`, "metro:"},
		{order(`,"facility":["nowhere"]`), "facility:"},
		{order(`,"facility":5`), "facility:"},
		{order(`,"hostname":"under_score"`), "hostname:"},
		{order(`,"hostname":5`), "hostname:"},
		{order(`,"billing_cycle":"fortnightly"`), "billing_cycle:"},
		{order(`,"userdata":"` + strings.Repeat("x", 64<<10+1) + `"`), "userdata:"},
		{order(`,"customdata":"[1]"`), "customdata:"},
		{order(`,"tags":[""]`), "tags:"},
		{order(`,"ssh_keys":[{"key":"` + publicKey(t) + `"},{"key":"garbage"}]`), "ssh_keys[1]."},
		{order(`,"project_ssh_keys":["` + w.project + `"]`), "project_ssh_keys[0]:"},
		{order(`,"user_ssh_keys":["` + w.users["stranger"] + `"]`), "user_ssh_keys[0]:"},
		{order(`,"ip_addresses":[{"address_family":4,"public":true}]`), "ip_addresses:"},
		{order(`,"ip_addresses":[{"address_family":4,"public":false,"cidr":28}]`), "ip_addresses:"},
		{order(`,"ip_addresses":[{"address_family":5}]`), "ip_addresses:"},
		{order(`,"public_ipv4_subnet_size":29`), "public_ipv4_subnet_size:"},
		{order(`,"hardware_reservation_id":"` + w.project + `"`), "hardware_reservation_id:"},
		{order(`,"hardware_reservation_id":"next-available"`), "hardware_reservation_id:"},
		{order(`,"ipxe_script_url":"https://example.net/boot"`), "ipxe_script_url:"},
		{order(`,"always_pxe":true`), "always_pxe:"},
		{order(`,"userdata":"{\"ignition\":{}}"`), "userdata:"},
		{order(`,"spot_instance":true`), "spot_instance:"},
		{order(`,"spot_price_max":1.5`), "spot_price_max:"},
		{order(`,"features":["tpm"]`), "features:"},
		{order(`,"storage":{"raid":[{"level":"1"}]}`), "storage:"},
		{order(`,"termination_time":"2001-01-01T00:00:00Z"`), "termination_time:"},
		{order(`,"termination_time":"soon"`), "termination_time:"},
		{`{"plan":`, "body:"},
	} {
		w.refused(w.do("owner", "POST", w.devices(), c.body), 422, c.says)
	}
	require.EqualValues(t, 0, w.want(200, "owner", "GET", w.devices(), nil).body["meta"].(map[string]any)["total"])
}

func TestAllKeysOfProjectAndMembersAreTakenWhereNoneIsNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.want(201, "owner", "POST", "/projects/"+w.project+"/ssh-keys", map[string]string{"label": "project's", "key": publicKey(t)})
	w.want(201, "admin", "POST", "/ssh-keys", map[string]string{"label": "admin's", "key": publicKey(t)})
	w.want(201, "stranger", "POST", "/ssh-keys", map[string]string{"label": "stranger's", "key": publicKey(t)})
	keys := func(more string) any {
		return w.want(200, "owner", "GET", "/devices/"+w.ordered(more)+"/metadata", nil).body["ssh_keys"]
	}
	require.Len(t, keys(""), 2)
	require.Len(t, keys(`,"user_ssh_keys":["`+w.users["admin"]+`"]`), 1)
	require.Empty(t, keys(`,"no_ssh_keys":true`))
}

func TestAPlanWithoutFreeMachinesIsRefusedAndSaysWhereThereAreSome(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`insert into sites (id, metro, boot) values ('lab2', 'mm', '{192.0.2.1}')`)
	body := `{"plan":"` + plan + `","operating_system":"` + system + `","metro":"mm"}`
	w.refused(w.do("owner", "POST", w.devices(), body), 422, "free are 8 at "+site)
	for range 8 {
		w.ordered("")
	}
	w.refused(w.do("owner", "POST", w.devices(), order("")), 422, "none is free anywhere")
}

func TestTheLastMachineIsPromisedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 7 {
		w.ordered("")
	}
	// All three have counted, or wait for their turn to, before any is done.
	held, err := w.sql.Begin(t.Context())
	require.NoError(t, err)
	defer held.Rollback(context.WithoutCancel(t.Context())) // nothing to do where all went well
	_, err = held.Exec(t.Context(), `lock table changes in access exclusive mode`)
	require.NoError(t, err)
	answers := make(chan int, 3)
	for range 3 {
		go func() { answers <- w.do("owner", "POST", w.devices(), order("")).code }()
	}
	require.Eventually(t, func() bool {
		var waiting int
		err := w.sql.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting == 3
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, held.Commit(t.Context()))
	count := map[int]int{}
	for range 3 {
		count[<-answers]++
	}
	require.Equal(t, map[int]int{201: 1, 422: 2}, count)
}

func TestARepeatedOrderIsOneDevice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.want(201, "owner", "POST", w.devices(), order(""), "Idempotency-Key", "k1")
	again := w.want(201, "owner", "POST", w.devices(), order(""), "Idempotency-Key", "k1")
	require.Equal(t, first.body["id"], again.body["id"])
	w.refused(w.do("owner", "POST", w.devices(), order(`,"hostname":"other"`), "Idempotency-Key", "k1"), 422, "Idempotency-Key")
	require.EqualValues(t, 1, w.want(200, "owner", "GET", w.devices(), nil).body["meta"].(map[string]any)["total"])
}

// Temporal may be away: the order stands, and reconcile starts its run.
func TestADeviceIsOrderedWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.runs.away = true
	id := w.ordered("")
	lost, err := w.store.OpenOrders(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, lost, 1)
	require.EqualValues(t, "provision-"+id, lost[0].Order)
}

func TestAnotherTenantsDeviceIsNotFound(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	for _, path := range []string{"", "/userdata", "/customdata", "/metadata", "/ssh-keys"} {
		w.refused(w.do("stranger", "GET", "/devices/"+id+path, nil), 404, "Not found")
	}
	w.refused(w.do("stranger", "DELETE", "/devices/"+id, nil), 404, "Not found")
	w.refused(w.do("stranger", "POST", "/devices/"+id+"/actions", `{"type":"reboot"}`), 404, "Not found")
	require.Empty(t, w.want(200, "limited_collaborator", "GET", "/devices/"+id, nil).body["userdata"])
}

func TestAReservedMachineIsForItsProjectAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mine := w.keep("m1", w.project)
	w.keep("m2", w.otherProject)
	for range 6 {
		w.ordered("")
	}
	w.refused(w.do("owner", "POST", w.devices(), order("")), 422, "plan:")
	id := w.ordered(`,"facility":[],"hardware_reservation_id":"next-available"`)
	w.refused(w.do("owner", "POST", w.devices(), order(`,"hardware_reservation_id":"`+mine+`"`)), 422, "hardware_reservation_id:")
	w.installed("provision-"+id, id)
	got := w.want(200, "owner", "GET", "/devices/"+id, nil)
	require.Equal(t, "/metal/v1/hardware-reservations/"+mine, got.body["hardware_reservation"].(map[string]any)["href"])
	m, err := w.store.Queries().MachineOfDevice(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "m1", m.ID)
	require.Len(t, w.want(200, "owner", "GET", w.devices()+"?reserved=true", nil).body["devices"], 1)
}

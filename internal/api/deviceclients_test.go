package api_test

import (
	"testing"

	metalv1 "github.com/equinix/equinix-sdk-go/services/metalv1"
	"github.com/stretchr/testify/require"
)

// What cluster-api-provider-packet v0.9.0 asks of devices (pkg/cloud/packet/client.go),
// and what cloud-provider-equinix-metal v3.8.1 reads of them (metal/devices.go):
// empty strings where nothing is meant, no pages, and addresses by what they are.
func TestTheKubernetesProvidersCallsForDevices(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, sdk := t.Context(), w.sdk("project_key")
	in := metalv1.NewDeviceCreateInMetroInput(metro, system, plan)
	in.SetHostname("acme-md-0-x7k2p")
	in.SetBillingCycle(metalv1.DEVICECREATEINPUTBILLINGCYCLE_HOURLY)
	in.SetTags([]string{"cluster-api-provider-packet:cluster-id:acme", "cluster-api-provider-packet:machine-uid:7"})
	in.SetUserdata("#cloud-config\n{}\n")
	in.SetIpxeScriptUrl("")
	in.SetHardwareReservationId("")
	made, reply, err := sdk.DevicesApi.CreateDevice(ctx, w.project).CreateDeviceRequest(metalv1.DeviceCreateInMetroInputAsCreateDeviceRequest(in)).Execute()
	require.NoError(t, err)
	require.Equal(t, 201, closed(reply))
	require.Equal(t, metalv1.DEVICESTATE_QUEUED, made.GetState())
	w.installed(w.orderOf(made.GetId()), made.GetId())

	list, reply, err := sdk.DevicesApi.FindProjectDevices(ctx, w.project).Execute()
	require.NoError(t, err)
	closed(reply)
	require.Len(t, list.GetDevices(), 1)
	found, reply, err := sdk.DevicesApi.FindDeviceById(ctx, made.GetId()).Include([]string{"facility", "metro"}).Execute()
	require.NoError(t, err)
	closed(reply)
	require.Equal(t, in.GetTags(), found.GetTags())
	require.Equal(t, metro, found.Metro.GetCode(), "a node's region")
	require.Equal(t, plan, found.Plan.GetSlug(), "a node's type")
	kinds := map[string]int{}
	for _, a := range found.GetIpAddresses() {
		require.True(t, a.GetManagement())
		switch {
		case a.GetAddressFamily() == 6:
			kinds["public6"]++
		case a.GetPublic():
			kinds["public4"]++
		default:
			kinds["private4"]++
		}
	}
	require.Equal(t, map[string]int{"public4": 1, "private4": 1, "public6": 1}, kinds)

	reply, err = sdk.DevicesApi.DeleteDevice(ctx, made.GetId()).ForceDelete(true).Execute()
	require.NoError(t, err)
	require.Equal(t, 204, closed(reply))
	found, reply, err = sdk.DevicesApi.FindDeviceById(ctx, made.GetId()).Execute()
	require.NoError(t, err)
	closed(reply)
	require.Equal(t, metalv1.DEVICESTATE_DEPROVISIONING, found.GetState())
}

// orderOf is the order by which a device was ordered.
func (w *world) orderOf(device string) (order string) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), `select id from orders where device = $1 and action = 'provision'`, device).Scan(&order))
	return order
}

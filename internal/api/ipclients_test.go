package api_test

import (
	"net/http"
	"testing"

	metalv1 "github.com/equinix/equinix-sdk-go/services/metalv1"
	"github.com/stretchr/testify/require"
)

// sdk is a client as the Kubernetes providers make it, with strict decoding.
func (w *world) sdk(role string) *metalv1.APIClient {
	config := metalv1.NewConfiguration()
	config.Servers = metalv1.ServerConfigurations{{URL: w.url}}
	config.AddDefaultHeader("X-Auth-Token", w.keys[role])
	return metalv1.NewAPIClient(config)
}

func closed(r *http.Response) int {
	if r == nil {
		return 0
	}
	_ = r.Body.Close()
	return r.StatusCode
}

// What cloud-provider-equinix-metal v3.8.1 asks: metal/bgp.go, loadbalancers.go
// and eip_controlplane_reconciliation.go, call by call.
func TestTheCloudProvidersCallsForAddressesAndBGP(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.peering()
	ctx, sdk := t.Context(), w.sdk("project_key")
	one, two := w.active("o1"), w.active("o2")

	config, reply, err := sdk.BGPApi.FindBgpConfigByProject(ctx, w.project).Execute()
	require.NoError(t, err)
	require.Equal(t, 200, closed(reply))
	require.Empty(t, config.GetId(), "not enabled")
	reply, err = sdk.BGPApi.RequestBgpConfig(ctx, w.project).BgpConfigRequestInput(metalv1.BgpConfigRequestInput{
		Asn: 65000, Md5: metalv1.PtrString(""), DeploymentType: "local", UseCase: metalv1.PtrString("kubernetes-load-balancer"),
	}).Execute()
	require.NoError(t, err)
	require.Equal(t, 204, closed(reply))
	config, reply, err = sdk.BGPApi.FindBgpConfigByProject(ctx, w.project).Execute()
	require.NoError(t, err)
	closed(reply)
	require.NotEmpty(t, config.GetId())
	require.Equal(t, metalv1.BGPCONFIGSTATUS_ENABLED, config.GetStatus())

	for try := range 2 { // it opens the session each time, and looks for these words
		_, reply, err = sdk.DevicesApi.CreateBgpSession(ctx, one).BGPSessionInput(metalv1.BGPSessionInput{AddressFamily: metalv1.BGPSESSIONINPUTADDRESSFAMILY_IPV4.Ptr()}).Execute()
		if try == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "already has session")
		}
		require.Equal(t, []int{201, 422}[try], closed(reply))
	}
	neighbors, reply, err := sdk.DevicesApi.GetBgpNeighborData(ctx, one).Execute()
	require.NoError(t, err)
	closed(reply)
	require.EqualValues(t, 4, neighbors.GetBgpNeighbors()[0].GetAddressFamily())

	made := w.elastic(sdk, "usage=cloud-provider-equinix-metal-auto")
	list, reply, err := sdk.IPAddressesApi.FindIPReservations(ctx, w.project).Include([]string{"assignments"}).Execute()
	require.NoError(t, err)
	closed(reply)
	require.Len(t, list.GetIpAddresses(), 3, "beside it, what devices' own addresses are of")
	for _, item := range list.GetIpAddresses() {
		require.NotNil(t, item.IPReservation)
	}
	for _, device := range []string{one, two} { // the control plane's address fails over
		ip := w.reservationByTag(sdk, "usage=cloud-provider-equinix-metal-auto")
		if len(ip.Assignments) == 1 {
			require.Equal(t, made.GetAddress(), ip.Assignments[0].GetAddress())
			reply, err = sdk.IPAddressesApi.DeleteIPAddress(ctx, ip.Assignments[0].GetId()).Execute()
			require.NoError(t, err)
			require.Equal(t, 204, closed(reply))
		}
		given, reply, err := sdk.DevicesApi.CreateIPAssignment(ctx, device).IPAssignmentInput(metalv1.IPAssignmentInput{Address: ip.GetAddress()}).Execute()
		require.NoError(t, err)
		require.Equal(t, 201, closed(reply))
		require.Equal(t, "/metal/v1/devices/"+device, given.AssignedTo.GetHref())
	}
	ip := w.reservationByTag(sdk, "usage=cloud-provider-equinix-metal-auto")
	reply, err = sdk.IPAddressesApi.DeleteIPAddress(ctx, ip.Assignments[0].GetId()).Execute()
	require.NoError(t, err)
	closed(reply)
	reply, err = sdk.IPAddressesApi.DeleteIPAddress(ctx, ip.GetId()).Execute()
	require.NoError(t, err)
	closed(reply)
}

// elastic reserves an address as both providers do.
func (w *world) elastic(sdk *metalv1.APIClient, tag string) *metalv1.IPReservation {
	w.t.Helper()
	answer, reply, err := sdk.IPAddressesApi.RequestIPReservation(w.t.Context(), w.project).RequestIPReservationRequest(metalv1.RequestIPReservationRequest{
		IPReservationRequestInput: &metalv1.IPReservationRequestInput{
			Type: "public_ipv4", Quantity: 1, Facility: metalv1.PtrString(""), Metro: metalv1.PtrString(metro), Tags: []string{tag},
			FailOnApprovalRequired: metalv1.PtrBool(true), Details: metalv1.PtrString("Elastic IP for the control plane"),
		},
	}).Execute()
	require.NoError(w.t, err)
	require.Equal(w.t, 201, closed(reply))
	require.NotNil(w.t, answer.IPReservation)
	return answer.IPReservation
}

func (w *world) reservationByTag(sdk *metalv1.APIClient, tag string) *metalv1.IPReservation {
	w.t.Helper()
	list, reply, err := sdk.IPAddressesApi.FindIPReservations(w.t.Context(), w.project).Execute()
	require.NoError(w.t, err)
	closed(reply)
	for _, item := range list.GetIpAddresses() {
		if item.IPReservation != nil && len(item.IPReservation.Tags) == 1 && item.IPReservation.Tags[0] == tag {
			return item.IPReservation
		}
	}
	w.t.Fatalf("no reservation has the tag %s", tag)
	return nil
}

// What cluster-api-provider-packet v0.9.0 asks: pkg/cloud/packet/client.go and
// controllers/packetmachine_controller.go.
func TestTheClusterProvidersCallsForAddresses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, sdk := t.Context(), w.sdk("owner")
	const tag = "cluster-api-provider-packet:cluster-id:acme"
	made := w.elastic(sdk, tag)
	require.Equal(t, made.GetId(), w.reservationByTag(sdk, tag).GetId())
	device := w.active("o1")
	given, reply, err := sdk.DevicesApi.CreateIPAssignment(ctx, device).IPAssignmentInput(metalv1.IPAssignmentInput{Address: made.GetAddress()}).Execute()
	require.NoError(t, err)
	closed(reply)

	// One space of IDs: whatever it is, exactly one of the SDK's kinds takes it.
	for id, assignment := range map[string]bool{made.GetId(): false, given.GetId(): true} {
		found, reply, err := sdk.IPAddressesApi.FindIPAddressById(ctx, id).Execute()
		require.NoError(t, err)
		closed(reply)
		require.Equal(t, []bool{assignment, !assignment}, []bool{found.IPAssignment != nil, found.IPReservation != nil})
		changed, reply, err := sdk.IPAddressesApi.UpdateIPAddress(ctx, id).IPAssignmentUpdateInput(metalv1.IPAssignmentUpdateInput{Details: metalv1.PtrString("d"), Customdata: map[string]any{"a": 1}}).Execute()
		require.NoError(t, err)
		closed(reply)
		require.Equal(t, assignment, changed.IPAssignment != nil)
	}
	free, reply, err := sdk.IPAddressesApi.FindIPAvailabilities(ctx, made.GetId()).Cidr(metalv1.FINDIPAVAILABILITIESCIDRPARAMETER__32).Execute()
	require.NoError(t, err)
	closed(reply)
	require.Empty(t, free.GetAvailable())
	addresses, reply, err := sdk.DevicesApi.FindIPAssignments(ctx, device).Execute()
	require.NoError(t, err)
	closed(reply)
	require.Len(t, addresses.GetIpAddresses(), 4)
	sessions, reply, err := sdk.BGPApi.FindProjectBgpSessions(ctx, w.project).Execute()
	require.NoError(t, err)
	closed(reply)
	require.Empty(t, sessions.GetBgpSessions())
	reply, err = sdk.BGPApi.DeleteBgpSession(ctx, made.GetId()).Execute()
	require.Error(t, err)
	require.Equal(t, 404, closed(reply))
}

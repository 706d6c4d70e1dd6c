package clients_test

import (
	"net/http"
	"testing"

	"github.com/equinix/equinix-sdk-go/services/metalv1"
	"github.com/stretchr/testify/require"
)

// sdk is equinix-sdk-go, whose decoding is strict.
type sdk struct{ *metalv1.APIClient }

func (n *tenant) sdk() sdk {
	config := metalv1.NewConfiguration()
	config.Servers = metalv1.ServerConfigurations{{URL: "http://" + running.API() + "/metal/v1"}}
	config.AddDefaultHeader("X-Auth-Token", n.key)
	return sdk{metalv1.NewAPIClient(config)}
}

// devices are the states of a project's devices.
func (c sdk) devices(t *testing.T, project string) (states []string, err error) {
	list, _, err := c.DevicesApi.FindProjectDevices(t.Context(), project).Execute()
	if err != nil {
		return nil, err
	}
	for _, d := range list.Devices {
		states = append(states, string(d.GetState()))
	}
	return states, nil
}

func (c sdk) project(t *testing.T, org, name string) *metalv1.Project {
	t.Helper()
	in := metalv1.NewProjectCreateFromRootInput(name)
	in.SetOrganizationId(org)
	p, _, err := c.ProjectsApi.CreateProject(t.Context()).ProjectCreateFromRootInput(*in).Execute()
	require.NoError(t, err)
	return p
}

func (c sdk) becomes(t *testing.T, id string, state metalv1.DeviceState) *metalv1.Device {
	t.Helper()
	var d *metalv1.Device
	eventually(t, "device becomes "+string(state), func() bool {
		var err error
		d, _, err = c.DevicesApi.FindDeviceById(t.Context(), id).Include([]string{"project", "metro", "facility", "hardware_reservation"}).Execute()
		require.NoError(t, err)
		require.NotEqual(t, metalv1.DEVICESTATE_FAILED, d.GetState())
		return d.GetState() == state
	})
	return d
}

func (c sdk) act(t *testing.T, id string, in metalv1.DeviceActionInput) {
	t.Helper()
	_, err := c.DevicesApi.PerformAction(t.Context(), id).DeviceActionInput(in).Execute()
	require.NoError(t, err)
}

func TestTheSDKLeadsADeviceThroughItsLife(t *testing.T) {
	t.Parallel()
	n := newTenant(t, "sdk")
	c := n.sdk()
	p := c.project(t, n.org, "sdk")
	key := metalv1.NewSSHKeyCreateInput()
	key.SetLabel("mine")
	key.SetKey(publicKey(t))
	_, _, err := c.SSHKeysApi.CreateProjectSSHKey(t.Context(), p.GetId()).SSHKeyCreateInput(*key).Execute()
	require.NoError(t, err)

	in := metalv1.NewDeviceCreateInMetroInput(metro, system, plan)
	in.SetHostname("sdk1")
	in.SetTags([]string{"web"})
	in.SetCustomdata(map[string]any{"a": 1.0})
	made, _, err := c.DevicesApi.CreateDevice(t.Context(), p.GetId()).CreateDeviceRequest(metalv1.DeviceCreateInMetroInputAsCreateDeviceRequest(in)).Execute()
	require.NoError(t, err)
	d := c.becomes(t, made.GetId(), metalv1.DEVICESTATE_ACTIVE)
	require.Len(t, d.GetIpAddresses(), 3)
	require.Equal(t, "sdk", d.Project.GetName(), "include puts the project in")
	require.Len(t, d.GetSshKeys(), 1)

	change := metalv1.NewDeviceUpdateInput()
	change.SetHostname("sdk2")
	changed, _, err := c.DevicesApi.UpdateDevice(t.Context(), d.GetId()).DeviceUpdateInput(*change).Execute()
	require.NoError(t, err)
	require.Equal(t, "sdk2", changed.GetHostname())

	again := *metalv1.NewDeviceActionInput(metalv1.DEVICEACTIONINPUTTYPE_REINSTALL)
	again.SetOperatingSystem(other)
	c.act(t, d.GetId(), again)
	d = c.becomes(t, d.GetId(), metalv1.DEVICESTATE_ACTIVE)
	require.Equal(t, other, d.OperatingSystem.GetSlug())
	c.act(t, d.GetId(), *metalv1.NewDeviceActionInput(metalv1.DEVICEACTIONINPUTTYPE_POWER_OFF))
	c.becomes(t, d.GetId(), metalv1.DEVICESTATE_INACTIVE)
	c.act(t, d.GetId(), *metalv1.NewDeviceActionInput(metalv1.DEVICEACTIONINPUTTYPE_POWER_ON))
	c.becomes(t, d.GetId(), metalv1.DEVICESTATE_ACTIVE)

	c.addresses(t, p.GetId(), d.GetId())
	_, err = c.DevicesApi.DeleteDevice(t.Context(), d.GetId()).ForceDelete(true).Execute()
	require.NoError(t, err)
	eventually(t, "the device is gone", func() bool {
		_, answer, err := c.DevicesApi.FindDeviceById(t.Context(), d.GetId()).Execute()
		return err != nil && answer.StatusCode == http.StatusNotFound
	})
	_, err = c.ProjectsApi.DeleteProject(t.Context(), p.GetId()).Execute()
	require.NoError(t, err)
}

// addresses are decoded strictly: one field too many breaks the SDK.
func (c sdk) addresses(t *testing.T, project, device string) {
	t.Helper()
	in := metalv1.NewIPReservationRequestInput(1, "public_ipv4")
	in.SetMetro(metro)
	got, _, err := c.IPAddressesApi.RequestIPReservation(t.Context(), project).
		RequestIPReservationRequest(metalv1.IPReservationRequestInputAsRequestIPReservationRequest(in)).Execute()
	require.NoError(t, err)
	block := got.IPReservation
	require.NotNil(t, block)
	free, _, err := c.IPAddressesApi.FindIPAvailabilities(t.Context(), block.GetId()).Cidr("32").Execute()
	require.NoError(t, err)
	require.Len(t, free.GetAvailable(), 1)
	held, _, err := c.DevicesApi.CreateIPAssignment(t.Context(), device).IPAssignmentInput(*metalv1.NewIPAssignmentInput(free.GetAvailable()[0])).Execute()
	require.NoError(t, err)
	one, _, err := c.IPAddressesApi.FindIPAddressById(t.Context(), held.GetId()).Execute()
	require.NoError(t, err)
	require.NotNil(t, one.IPAssignment)
	all, _, err := c.IPAddressesApi.FindIPReservations(t.Context(), project).Execute()
	require.NoError(t, err)
	require.NotEmpty(t, all.GetIpAddresses())
	_, err = c.IPAddressesApi.DeleteIPAddress(t.Context(), held.GetId()).Execute()
	require.NoError(t, err)
	_, err = c.IPAddressesApi.DeleteIPAddress(t.Context(), block.GetId()).Execute()
	require.NoError(t, err)
}

func TestTheSDKReadsPagesChoicesAndErrors(t *testing.T) {
	t.Parallel()
	n := newTenant(t, "sdkpages")
	c := n.sdk()
	for _, name := range []string{"a", "b", "c"} {
		c.project(t, n.org, name)
	}
	all, err := c.ProjectsApi.FindProjects(t.Context()).PerPage(1).ExecuteWithPagination()
	require.NoError(t, err)
	require.Len(t, all.Projects, 3)
	plans, _, err := c.PlansApi.FindPlans(t.Context()).Include([]string{"available_in", "available_in_metros"}).Execute()
	require.NoError(t, err)
	require.NotEmpty(t, plans.Plans)
	systems, _, err := c.OperatingSystemsApi.FindOperatingSystems(t.Context()).Execute()
	require.NoError(t, err)
	require.NotEmpty(t, systems.OperatingSystems)
	_, _, err = c.CapacityApi.FindCapacityForMetro(t.Context()).Execute()
	require.NoError(t, err)
	_, _, err = c.UsersApi.FindCurrentUser(t.Context()).Execute()
	require.NoError(t, err)
	_, _, err = c.OrganizationsApi.FindOrganizations(t.Context()).Execute()
	require.NoError(t, err)
	_, _, err = c.EventsApi.FindProjectEvents(t.Context(), all.Projects[0].GetId()).Execute()
	require.NoError(t, err)
	_, answer, err := c.DevicesApi.CreateDevice(t.Context(), all.Projects[0].GetId()).CreateDeviceRequest(
		metalv1.DeviceCreateInMetroInputAsCreateDeviceRequest(metalv1.NewDeviceCreateInMetroInput("nowhere", system, plan))).Execute()
	require.Error(t, err)
	require.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode)
	var said *metalv1.GenericOpenAPIError
	require.ErrorAs(t, err, &said)
	require.Contains(t, string(said.Body()), "metro")
}

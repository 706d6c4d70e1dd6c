package clients_test

import (
	"net/http"
	"testing"

	"github.com/packethost/packngo"
	"github.com/stretchr/testify/require"
)

// packetClient is packngo as its users make it, and for an API of their own.
func (n *tenant) packngo() *packngo.Client {
	n.t.Helper()
	c, err := packngo.NewClientWithBaseURL("millwright", n.key, http.DefaultClient, "http://"+running.API()+"/metal/v1/")
	require.NoError(n.t, err)
	return c
}

// awaits a state of a device, which has to be seen by asking alone.
func becomes(t *testing.T, c *packngo.Client, id, state string) *packngo.Device {
	t.Helper()
	var d *packngo.Device
	eventually(t, "device becomes "+state, func() bool {
		var err error
		d, _, err = c.Devices.Get(id, nil)
		require.NoError(t, err)
		require.NotEqual(t, "failed", d.State)
		return d.State == state
	})
	return d
}

func packngoProject(t *testing.T, c *packngo.Client, org, name string) *packngo.Project {
	t.Helper()
	p, _, err := c.Projects.Create(&packngo.ProjectCreateRequest{Name: name, OrganizationID: org})
	require.NoError(t, err)
	return p
}

func TestPackngoLeadsADeviceThroughItsLife(t *testing.T) {
	t.Parallel()
	n := newTenant(t, "packngo")
	c := n.packngo()
	p := packngoProject(t, c, n.org, "life")
	key, _, err := c.SSHKeys.Create(&packngo.SSHKeyCreateRequest{Label: "mine", Key: publicKey(t), ProjectID: p.ID})
	require.NoError(t, err)

	made, _, err := c.Devices.Create(&packngo.DeviceCreateRequest{
		Hostname: "web1", Plan: plan, Metro: metro, OS: system, BillingCycle: "hourly", ProjectID: p.ID,
		UserData: "#cloud-config\n", Tags: []string{"web"}, ProjectSSHKeys: []string{key.ID}, CustomData: `{"a":1}`,
	})
	require.NoError(t, err)
	require.Contains(t, []string{"queued", "provisioning"}, made.State)
	d := becomes(t, c, made.ID, "active")
	require.Equal(t, "web1", d.Hostname)
	require.Equal(t, "layer3", d.GetNetworkType())
	at := d.GetNetworkInfo()
	require.NotEmpty(t, at.PublicIPv4)
	require.NotEmpty(t, at.PrivateIPv4)
	require.NotEmpty(t, at.PublicIPv6)
	require.Equal(t, map[string]any{"a": 1.0}, d.CustomData)
	require.Equal(t, "#cloud-config\n", d.UserData)

	packngoActs(t, c, d)
	packngoBGP(t, c, p.ID, d.ID)
	packngoAddresses(t, c, p.ID, d.ID)

	events, _, err := c.Devices.ListEvents(d.ID, nil)
	require.NoError(t, err)
	require.NotEmpty(t, events)
	_, err = c.Devices.Delete(d.ID, false)
	require.NoError(t, err)
	eventually(t, "the device is gone", func() bool {
		_, answer, err := c.Devices.Get(d.ID, nil)
		return err != nil && answer.StatusCode == http.StatusNotFound
	})
	_, err = c.Projects.Delete(p.ID)
	require.NoError(t, err)
}

// packngoActs reinstalls, powers and rescues; the device keeps its addresses.
func packngoActs(t *testing.T, c *packngo.Client, d *packngo.Device) {
	t.Helper()
	_, err := c.Devices.Lock(d.ID)
	require.NoError(t, err)
	_, err = c.Devices.Delete(d.ID, false)
	require.ErrorContains(t, err, "lock")
	_, err = c.Devices.Unlock(d.ID)
	require.NoError(t, err)
	name := "web2"
	changed, _, err := c.Devices.Update(d.ID, &packngo.DeviceUpdateRequest{Hostname: &name})
	require.NoError(t, err)
	require.Equal(t, name, changed.Hostname)

	_, err = c.Devices.Reinstall(d.ID, &packngo.DeviceReinstallFields{OperatingSystem: other})
	require.NoError(t, err)
	again := becomes(t, c, d.ID, "active")
	require.Equal(t, other, again.OS.Slug)
	require.Equal(t, d.GetNetworkInfo(), again.GetNetworkInfo())

	_, err = c.Devices.PowerOff(d.ID)
	require.NoError(t, err)
	becomes(t, c, d.ID, "inactive")
	_, err = c.Devices.PowerOn(d.ID)
	require.NoError(t, err)
	becomes(t, c, d.ID, "active")
	_, err = c.Devices.Reboot(d.ID)
	require.NoError(t, err)
	becomes(t, c, d.ID, "active")
	rescued := func() bool { // refused while the reboot is under way
		_, err := c.Devices.Rescue(d.ID)
		return err == nil
	}
	eventually(t, "the device is rescued", rescued)
	becomes(t, c, d.ID, "active")
}

func packngoBGP(t *testing.T, c *packngo.Client, project, device string) {
	t.Helper()
	none, _, err := c.BGPConfig.Get(project, nil)
	require.NoError(t, err)
	require.Empty(t, none.DeploymentType)
	_, err = c.BGPConfig.Create(project, packngo.CreateBGPConfigRequest{DeploymentType: "local", Asn: 65000, UseCase: "test"})
	require.NoError(t, err)
	config, _, err := c.BGPConfig.Get(project, nil)
	require.NoError(t, err)
	require.Equal(t, 65000, config.Asn)
	s, _, err := c.BGPSessions.Create(device, packngo.CreateBGPSessionRequest{AddressFamily: "ipv4"})
	require.NoError(t, err)
	_, _, err = c.BGPSessions.Create(device, packngo.CreateBGPSessionRequest{AddressFamily: "ipv4"})
	require.ErrorContains(t, err, "already has session")
	sessions, _, err := c.Devices.ListBGPSessions(device, nil)
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	neighbors, _, err := c.Devices.ListBGPNeighbors(device, nil)
	require.NoError(t, err)
	require.NotEmpty(t, neighbors)
	require.Equal(t, 65000, neighbors[0].CustomerAs)
	require.NotEmpty(t, neighbors[0].PeerIps)
	_, err = c.BGPSessions.Delete(s.ID)
	require.NoError(t, err)
}

func packngoAddresses(t *testing.T, c *packngo.Client, project, device string) {
	t.Helper()
	where := metro
	block, _, err := c.ProjectIPs.Create(project, &packngo.IPReservationCreateRequest{Type: packngo.PublicIPv4, Quantity: 2, Metro: &where, Tags: []string{"lb"}})
	require.NoError(t, err)
	require.Equal(t, packngo.IPReservationStateCreated, block.State)
	free, _, err := c.ProjectIPs.AvailableAddresses(block.ID, &packngo.AvailableRequest{CIDR: 32})
	require.NoError(t, err)
	require.Len(t, free, 2)
	held, _, err := c.DeviceIPs.Assign(device, &packngo.AddressStruct{Address: free[0]})
	require.NoError(t, err)
	looked, _, err := c.DeviceIPs.Get(held.ID, nil)
	require.NoError(t, err)
	require.Equal(t, held.Address, looked.Address)
	of, _, err := c.DeviceIPs.List(device, nil)
	require.NoError(t, err)
	require.Len(t, of, 4)
	_, err = c.ProjectIPs.Remove(block.ID)
	require.Error(t, err, "some of it is assigned")
	_, err = c.DeviceIPs.Unassign(held.ID)
	require.NoError(t, err)
	_, err = c.ProjectIPs.Remove(block.ID)
	require.NoError(t, err)
}

func TestPackngoReadsPagesAndErrors(t *testing.T) {
	t.Parallel()
	n := newTenant(t, "pages")
	c := n.packngo()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		packngoProject(t, c, n.org, name)
	}
	all, _, err := c.Projects.List(&packngo.ListOptions{PerPage: 2})
	require.NoError(t, err)
	require.Len(t, all, 5)
	_, answer, err := c.Devices.Create(&packngo.DeviceCreateRequest{Hostname: "x", Plan: "none", Metro: metro, OS: system, ProjectID: all[0].ID})
	require.ErrorContains(t, err, "plan")
	require.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode)
	_, answer, err = c.Devices.Get("00000000-0000-4000-8000-000000000000", nil)
	require.ErrorContains(t, err, "Not found")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	_, answer, err = c.VolumeAttachments.Get("00000000-0000-4000-8000-000000000000", nil)
	require.Error(t, err)
	require.Equal(t, http.StatusNotFound, answer.StatusCode)

	stranger := newTenant(t, "nosy").packngo()
	_, answer, err = stranger.Projects.Get(all[0].ID, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	nobody := (&tenant{t, "", "wrong"}).packngo()
	_, answer, err = nobody.Projects.List(nil)
	require.Error(t, err)
	require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
}

func TestPackngoKeepsKeysAndChoices(t *testing.T) {
	t.Parallel()
	n := newTenant(t, "keys")
	c := n.packngo()
	me, _, err := c.Users.Current()
	require.NoError(t, err)
	require.Equal(t, "keys@example.net", me.Email)
	p := packngoProject(t, c, n.org, "keys")

	key, _, err := c.APIKeys.Create(&packngo.APIKeyCreateRequest{Description: "ci", ProjectID: p.ID})
	require.NoError(t, err)
	require.NotEmpty(t, key.Token)
	ci := (&tenant{t, n.org, key.Token}).packngo()
	seen, _, err := ci.Projects.Get(p.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "keys", seen.Name)
	_, err = c.APIKeys.Delete(key.ID)
	require.NoError(t, err)
	_, _, err = ci.Projects.Get(p.ID, nil)
	require.Error(t, err, "the key is revoked")

	mine, _, err := c.SSHKeys.Create(&packngo.SSHKeyCreateRequest{Label: "mine", Key: publicKey(t)})
	require.NoError(t, err)
	label := "renamed"
	mine, _, err = c.SSHKeys.Update(mine.ID, &packngo.SSHKeyUpdateRequest{Label: &label})
	require.NoError(t, err)
	require.Equal(t, label, mine.Label)
	require.Regexp(t, `^([0-9a-f]{2}:){15}[0-9a-f]{2}$`, mine.FingerPrint)
	_, err = c.SSHKeys.Delete(mine.ID)
	require.NoError(t, err)

	plans, _, err := c.Plans.List(nil)
	require.NoError(t, err)
	require.Equal(t, plan, plans[0].Slug)
	systems, _, err := c.OperatingSystems.List()
	require.NoError(t, err)
	require.NotEmpty(t, systems)
	metros, _, err := c.Metros.List(nil)
	require.NoError(t, err)
	require.Equal(t, metro, metros[0].Code)
	room, _, err := c.CapacityService.CheckMetros(&packngo.CapacityInput{Servers: []packngo.ServerInfo{{Metro: metro, Plan: plan, Quantity: 1}}})
	require.NoError(t, err)
	require.Equal(t, 1, room.Servers[0].Quantity)
}

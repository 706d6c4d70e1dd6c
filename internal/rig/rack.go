package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/netrack"
	"millwright/internal/sitefile"
	"millwright/workflows"
)

// RackSite is the site of a rack of namespaces that was added.
const RackSite metal.SiteID = "rack1"

// racked is where the addresses of a rack's machines come from; its outside
// routes all of it to the switch.
var racked = []sitefile.Block{
	{Prefix: netip.MustParsePrefix("10.200.0.0/24"), Role: metal.Install},
	{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Role: metal.Public},
	{Prefix: netip.MustParsePrefix("10.201.0.0/16"), Role: metal.Private},
	{Prefix: netip.MustParsePrefix("2001:db8:b000::/40"), Role: metal.Public},
}

// AddRack makes a rack of namespaces a site of its own, with a worker for it:
// its switch runs FRR, and packets go through it. Its machines have no BMC, so
// devices are settled on them, not installed.
func (r *Rig) AddRack(ctx context.Context, rack *netrack.Rack, machines int) error {
	if err := r.rackCredential(ctx, rack); err != nil {
		return err
	}
	site, err := r.rackFile(rack, machines)
	if err != nil {
		return err
	}
	name := filepath.Join(r.Dir, "rack.yaml")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := sitefile.Write(f, site); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if out, err := r.Run(ctx, "starter", "import", name); err != nil {
		return fmt.Errorf("import the rack: %w\n%s", err, out)
	}
	admin := r.at(managementHost, rackAdmin)
	_, err = r.program(ctx, "worker-rack", "worker", admin, "--site", string(RackSite), "--admin-listen", admin)
	return err
}

// rackAdmin is the admin port of a rack's worker.
const rackAdmin = workerAdmin + 50

func (r *Rig) rackCredential(ctx context.Context, rack *netrack.Rack) error {
	c, err := rack.Credentials(ctx, rack.Switch().Credential)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.Dir, "credentials", "rack"), []byte(c.User+"\n"+c.Password+"\n"), 0o600)
}

// rackFile describes the rack; plans and systems are those of the rig's lab.
func (r *Rig) rackFile(rack *netrack.Rack, machines int) (*sitefile.Site, error) {
	text, err := os.ReadFile(r.siteFile())
	if err != nil {
		return nil, err
	}
	lab, err := sitefile.Parse(text, r.siteFile(), nil)
	if err != nil {
		return nil, err
	}
	sw := rack.Switch()
	sw.Site, sw.Credential, sw.Driver = RackSite, "rack", "frr"
	site := &sitefile.Site{
		Vouched: true,
		ID:      RackSite, Metro: lab.Metro, Boot: []netip.Addr{netrack.BootAddress}, Blocks: racked,
		BGP:   sitefile.BGP{AS: 65000, PeerAS: 65001, Addresses: []netip.Addr{netrack.SwitchAddress, netrack.SwitchAddress6}},
		Plans: lab.Plans, OperatingSystems: lab.OperatingSystems, Racks: []metal.RackID{"k1"},
		Switches: []sitefile.Switch{{Switch: sw, Rack: "k1"}},
	}
	for i := range machines {
		m := lab.Machines[0]
		m.Machine.ID, m.Machine.Site, m.Rack, m.Unit = metal.MachineID(fmt.Sprintf("k%d", i+1)), RackSite, "k1", i+1
		m.BMC.Address = fmt.Sprintf("127.%d.9.%d:443", r.Net, i+1) // nobody is there
		m.NICs = []sitefile.NIC{{MAC: fmt.Sprintf("02:6b:00:00:00:%02x", i+1), Port: rack.Port(i)}}
		m.Disks = []sitefile.Disk{{Serial: fmt.Sprintf("K%d", i+1), SizeGB: 480}}
		site.Machines = append(site.Machines, m)
	}
	return site, nil
}

// Settle puts a device on a machine of the rack as a finished provision leaves
// it, but for the port's commit: whoever commits next brings that too.
func (r *Rig) Settle(ctx context.Context, order metal.OrderID) (metal.DeviceID, error) {
	in := Provision()
	in.Site = RackSite
	raw, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	placed, err := metal.ParseOrder(order, raw)
	if err != nil {
		return "", err
	}
	if _, err := r.Store.RecordOrder(ctx, placed); err != nil {
		return "", err
	}
	held, err := r.Store.ClaimMachine(ctx, placed.Device, placed.ID)
	if err != nil {
		return "", err
	}
	if _, err := r.Store.SetPorts(ctx, held.Claim, metal.Tenant); err != nil {
		return "", err
	}
	return placed.Device, r.Store.ActivateDevice(ctx, held.Claim, metal.Ending{Order: placed.ID, State: metal.Active})
}

// PortOf is what the port of a device should be, and which of the rack's it is,
// from 0.
func (r *Rig) PortOf(ctx context.Context, rack *netrack.Rack, device metal.DeviceID) (metal.PortIntent, int, error) {
	intents, err := r.Store.PortIntents(ctx, rack.Switch().ID, nil)
	for _, p := range intents {
		if p.Device == device {
			var n int
			_, err := fmt.Sscanf(strings.TrimPrefix(p.Port.Name, "swp"), "%d", &n)
			return p, n - 1, err
		}
	}
	if err == nil {
		err = fmt.Errorf("device %s has no port of %s", device, rack.Switch().ID)
	}
	return metal.PortIntent{}, 0, err
}

// Move starts the run that gives a prefix of a reservation to a device, and
// waits for its end.
func (r *Rig) Move(ctx context.Context, reservation metal.ReservationID, prefix netip.Prefix, device metal.DeviceID) error {
	run, err := r.Client.ExecuteWorkflow(ctx, startRun(workflows.AddressRun(string(reservation))), workflows.Address,
		workflows.AddressInput{Reservation: string(reservation), Prefix: prefix, Device: device})
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

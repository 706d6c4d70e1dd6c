package activities

import (
	"context"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// Addresses says which device has an elastic address, and who may announce.
type Addresses struct {
	Store AddressStore
}

// AddressStore keeps which pieces of reservations devices have.
type AddressStore interface {
	// AssignedDevice is who has a piece of a reservation; empty for nobody.
	AssignedDevice(ctx context.Context, reservation string, prefix netip.Prefix) (metal.DeviceID, error)
	// AssignPiece gives a piece to a device of the reservation's project,
	// whoever had it, and returns the ports that this concerns.
	AssignPiece(ctx context.Context, reservation string, prefix netip.Prefix, device metal.DeviceID) ([]metal.PortGeneration, error)
	// UnassignPiece takes it from whoever has it.
	UnassignPiece(ctx context.Context, reservation string, prefix netip.Prefix) ([]metal.PortGeneration, error)
	// DevicePorts are the open ports of a device, as they are to be read back.
	DevicePorts(ctx context.Context, device metal.DeviceID) ([]metal.PortGeneration, error)
	// SessionOn tells whether a device's BGP session of a family is on.
	SessionOn(ctx context.Context, device metal.DeviceID, family int) (bool, error)
	// SetSession turns it on or off.
	SetSession(ctx context.Context, device metal.DeviceID, family int, on bool) ([]metal.PortGeneration, error)
	Switch(ctx context.Context, id metal.SwitchID) (metal.Switch, error)
}

// SitePorts are ports of one site, to be brought by its workers.
type SitePorts struct {
	Site  metal.SiteID
	Ports []metal.PortGeneration
}

// ReadAddressInput names a piece of a reservation.
type ReadAddressInput struct {
	Reservation string
	Prefix      netip.Prefix
}

// ReadAddressResult says who has it.
type ReadAddressResult struct {
	Device metal.DeviceID // empty: nobody
}

// ReadAddress says which device has a piece of a reservation, so that a run can
// give it back if it fails.
func (a *Addresses) ReadAddress(ctx context.Context, in ReadAddressInput) (ReadAddressResult, error) {
	device, err := a.Store.AssignedDevice(ctx, in.Reservation, in.Prefix)
	return ReadAddressResult{Device: device}, classify(err)
}

// AssignAddressInput gives a piece of a reservation to a device, or, where it
// names none, back to the reservation.
type AssignAddressInput struct {
	Reservation string
	Prefix      netip.Prefix
	From        metal.DeviceID // who had it when the run began; empty for nobody
	Device      metal.DeviceID
}

// AssignAddressResult lists the ports that have to follow.
type AssignAddressResult struct {
	Sites []SitePorts
}

// AssignAddress writes which device has a piece of a reservation. A repeat finds
// it so, and names the same ports again: those of the device it was taken from
// only the input still tells.
func (a *Addresses) AssignAddress(ctx context.Context, in AssignAddressInput) (AssignAddressResult, error) {
	ports, err := a.assign(ctx, in)
	if err != nil {
		return AssignAddressResult{}, classify(err)
	}
	if in.From != "" {
		from, err := a.Store.DevicePorts(ctx, in.From)
		if err != nil {
			return AssignAddressResult{}, classify(err)
		}
		for _, p := range from {
			if !slices.Contains(ports, p) {
				ports = append(ports, p)
			}
		}
	}
	sites, err := a.bySite(ctx, ports)
	return AssignAddressResult{Sites: sites}, classify(err)
}

func (a *Addresses) assign(ctx context.Context, in AssignAddressInput) ([]metal.PortGeneration, error) {
	if in.Device == "" {
		return a.Store.UnassignPiece(ctx, in.Reservation, in.Prefix)
	}
	return a.Store.AssignPiece(ctx, in.Reservation, in.Prefix, in.Device)
}

// ReadSessionInput names a device's BGP session.
type ReadSessionInput struct {
	Device metal.DeviceID
	Family int // 4 or 6
}

// ReadSessionResult says whether it is on.
type ReadSessionResult struct {
	On bool
}

// ReadSession says whether a device peers with its switch in a family, so that
// a run can leave it so if it fails.
func (a *Addresses) ReadSession(ctx context.Context, in ReadSessionInput) (ReadSessionResult, error) {
	on, err := a.Store.SessionOn(ctx, in.Device, in.Family)
	return ReadSessionResult{On: on}, classify(err)
}

// SetSessionInput turns a BGP session on or off.
type SetSessionInput struct {
	Device metal.DeviceID
	Family int // 4 or 6
	On     bool
}

// SetSessionResult lists the ports that have to follow.
type SetSessionResult struct {
	Sites []SitePorts
}

// SetSession writes whether a device peers with its switch in a family.
func (a *Addresses) SetSession(ctx context.Context, in SetSessionInput) (SetSessionResult, error) {
	ports, err := a.Store.SetSession(ctx, in.Device, in.Family, in.On)
	if err != nil {
		return SetSessionResult{}, classify(err)
	}
	sites, err := a.bySite(ctx, ports)
	return SetSessionResult{Sites: sites}, classify(err)
}

// ReadPortsInput names a device.
type ReadPortsInput struct {
	Device metal.DeviceID
}

// ReadPortsResult lists its ports, as they are to be read back.
type ReadPortsResult struct {
	Sites []SitePorts
}

// ReadPorts lists the ports that carry a device. None do while its machine is
// parked: they get what it has when they open.
func (a *Addresses) ReadPorts(ctx context.Context, in ReadPortsInput) (ReadPortsResult, error) {
	ports, err := a.Store.DevicePorts(ctx, in.Device)
	if err != nil {
		return ReadPortsResult{}, classify(err)
	}
	sites, err := a.bySite(ctx, ports)
	return ReadPortsResult{Sites: sites}, classify(err)
}

func (a *Addresses) bySite(ctx context.Context, ports []metal.PortGeneration) ([]SitePorts, error) {
	var sites []SitePorts
	for _, p := range ports {
		sw, err := a.Store.Switch(ctx, p.Port.Switch)
		if err != nil {
			return nil, err
		}
		i := 0
		for i < len(sites) && sites[i].Site != sw.Site {
			i++
		}
		if i == len(sites) {
			sites = append(sites, SitePorts{Site: sw.Site})
		}
		sites[i].Ports = append(sites[i].Ports, p)
	}
	return sites, nil
}

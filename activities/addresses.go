package activities

import (
	"context"
	"net/netip"

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
	// SetSession turns a device's BGP session of a family on or off.
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
	Device      metal.DeviceID
}

// AssignAddressResult lists the ports that have to follow.
type AssignAddressResult struct {
	Sites []SitePorts
}

// AssignAddress writes which device has a piece of a reservation. A repeat finds
// it so, and names the ports of that device again.
func (a *Addresses) AssignAddress(ctx context.Context, in AssignAddressInput) (AssignAddressResult, error) {
	var ports []metal.PortGeneration
	var err error
	if in.Device == "" {
		ports, err = a.Store.UnassignPiece(ctx, in.Reservation, in.Prefix)
	} else {
		ports, err = a.Store.AssignPiece(ctx, in.Reservation, in.Prefix, in.Device)
	}
	if err != nil {
		return AssignAddressResult{}, classify(err)
	}
	sites, err := a.bySite(ctx, ports)
	return AssignAddressResult{Sites: sites}, classify(err)
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

package api

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

func createDevice(c *call) (any, error) {
	var in DeviceInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	wish, err := c.wish(in)
	if err != nil {
		return nil, err
	}
	if err := c.order(metal.DeviceWishes{Devices: []metal.DeviceWish{wish}}); err != nil {
		return nil, err
	}
	view, err := c.server.Store.DeviceView(c.ctx, wish.Order.Device)
	if err != nil {
		return nil, err
	}
	return c.deviceWire(view)
}

// order writes what was ordered, then starts the runs.
func (c *call) order(all metal.DeviceWishes) error {
	all.Project, all.Creator = c.scope.Project, c.caller.User
	orders, err := c.server.Store.OrderDevices(c.ctx, c.change(), all)
	if err != nil {
		return asked(err)
	}
	c.start(orders...)
	return nil
}

// wish checks a device that is ordered as far as that goes by itself; the
// database does the rest where it writes it.
func (c *call) wish(in DeviceInput) (metal.DeviceWish, error) {
	wish := metal.DeviceWish{
		Order: metal.OrderInput{
			Action: metal.ActionProvision, Device: metal.DeviceID(uuid.NewString()), Project: c.scope.Project,
			Hostname: in.Hostname, Tags: in.Tags, ScriptURL: in.IPXEScriptURL, AlwaysPXE: in.AlwaysPXE, CustomData: []byte(in.CustomData),
		},
		UserData: []byte(in.Userdata), Description: in.Description, BillingCycle: in.BillingCycle,
		Locked: in.Locked, Frozen: in.NetworkFrozen, TerminateAt: in.TerminationTime.time(),
		Reservation: metal.HardwareReservationID(in.HardwareReservationID),
	}
	if wish.BillingCycle == "" {
		wish.BillingCycle = "hourly"
	}
	for _, check := range []func(DeviceInput, *metal.DeviceWish) error{notOffered, c.choose, checkWords, linksOf, storageOf, c.chooseKeys} {
		if err := check(in, &wish); err != nil {
			return wish, err
		}
	}
	return wish, nil
}

// choose finds plan, system and sites by their names.
func (c *call) choose(in DeviceInput, wish *metal.DeviceWish) error {
	all, err := c.catalogue()
	if err != nil {
		return err
	}
	plan, err := planNamed(all, in.Plan)
	if err != nil {
		return err
	}
	system, err := systemNamed(all, in.OperatingSystem)
	if err != nil {
		return err
	}
	if !system.Offered() {
		return unprocessable("operating_system: %s is offered no more; see /operating-systems", system.ID)
	}
	if in.AlwaysPXE && system.FirstBoot != metal.IPXE {
		return unprocessable("always_pxe: %s is installed, and boots no script; leave it false, or order a system that does", system.ID)
	}
	wish.Order.Plan, wish.Order.OperatingSystem = plan.ID, system.ID
	wish.Sites, err = sitesFor(all, in)
	return err
}

// sitesFor are the sites that a device may be at: those that are named, of
// those in the metro that is named.
func sitesFor(all metal.Catalogue, in DeviceInput) ([]metal.SiteID, error) {
	within := all.Sites
	var err error
	if in.Metro != "" {
		if _, within, err = metroNamed(all, in.Metro); err != nil {
			return nil, err
		}
	}
	anywhere := in.Metro != "" || in.HardwareReservationID != ""
	var named []metal.SiteID
	for _, code := range in.Facility {
		if code == "any" {
			anywhere = true
			continue
		}
		site, err := facilityNamed(all, code)
		if err != nil {
			return nil, err
		}
		if in.Metro != "" && site.Metro != within[0].Metro {
			return nil, unprocessable("facility: %s is not in metro %s; leave one of them out", code, in.Metro)
		}
		named = append(named, site.ID)
	}
	switch {
	case len(named) > 0:
		return named, nil
	case !anywhere:
		return nil, noSuch("metro", "", metroCodes(all.Sites))
	}
	for _, site := range within {
		named = append(named, site.ID)
	}
	return named, nil
}

const (
	maxDeviceWords = 1000     // characters
	maxUserdata    = 64 << 10 // bytes, as given
)

// billingCycles are the API's words. Who is billed how is the billing system's.
var billingCycles = []string{"hourly", "daily", "monthly", "yearly"}

func checkWords(in DeviceInput, wish *metal.DeviceWish) error {
	if err := checkCycle(wish.BillingCycle); err != nil {
		return err
	}
	if err := checkDescription(in.Description); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	if err := checkTermination(in.TerminationTime); err != nil {
		return err
	}
	return checkUserdata(in.Userdata)
}

func checkUserdata(given string) error {
	if len(given) > maxUserdata {
		return unprocessable("userdata: %d bytes; at most %d; fetch the rest from a server of yours", len(given), maxUserdata)
	}
	return nil
}

// checkTermination refuses a time that has passed: a slip would delete a server.
func checkTermination(m ending) error {
	if at := m.time(); !at.IsZero() && at.Before(time.Now()) {
		return unprocessable("termination_time: %s has passed; to end a device now, delete it", m)
	}
	return nil
}

// chooseKeys takes those that are named; without any, all of the project and of
// everybody in it.
func (c *call) chooseKeys(in DeviceInput, wish *metal.DeviceWish) error {
	choice := metal.KeyChoice{
		Project: c.scope.Project, Caller: c.caller.User, Ours: in.ProjectSSHKeys, People: in.UserSSHKeys,
		All: !in.NoSSHKeys && len(in.ProjectSSHKeys)+len(in.UserSSHKeys)+len(in.SSHKeys) == 0,
	}
	chosen, err := c.server.Store.ChooseKeys(c.ctx, choice)
	if err != nil {
		return err
	}
	for _, k := range chosen {
		wish.KeyIDs = append(wish.KeyIDs, k.ID)
		wish.Order.SSHKeys = append(wish.Order.SSHKeys, k.Key)
	}
	for i, k := range in.SSHKeys {
		line, _, err := readSSHKey(k.Key)
		if err != nil {
			return unprocessable("%s", fmt.Sprintf("ssh_keys[%d].", i)+err.Error())
		}
		wish.Order.SSHKeys = append(wish.Order.SSHKeys, line)
	}
	return nil
}

package bmc

import (
	"cmp"
	"context"
	"strings"

	"millwright/internal/metal"
)

// inventory is a member of the update service's FirmwareInventory.
type inventory struct {
	Path       string `json:"@odata.id"`
	Name, ID   word
	Version    word
	Updateable bool
	Status     status
}

// readFirmware reads the versions of the BIOS and the BMC, which stand in
// resources that are read anyhow or are one, and with them all others where
// that is one request more.
func (v *visit) readFirmware(ctx context.Context, r *metal.Reading) (err error) {
	if v.expands() {
		r.Firmware, err = v.inventory(ctx)
	}
	if err != nil && !v.answered() {
		return err
	}
	r.Firmware, err = v.withMain(ctx, r.Firmware)
	return err
}

// firmware is all that there is.
func (s *redfishSession) firmware(ctx context.Context) ([]metal.FirmwareVersion, error) {
	v, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	list, err := v.inventory(ctx)
	if err != nil {
		return nil, err
	}
	return v.withMain(ctx, list)
}

// updateService is where firmware is listed and updated.
type updateService struct {
	FirmwareInventory reference
	ServiceEnabled    *bool
	MultipartURI      string `json:"MultipartHttpPushUri"`
	PushURI           string `json:"HttpPushUri"`
	Actions           struct {
		SimpleUpdate struct {
			Target    string   `json:"target"`
			Protocols []string `json:"TransferProtocol@Redfish.AllowableValues"`
		} `json:"#UpdateService.SimpleUpdate"`
	}
}

func (v *visit) inventory(ctx context.Context) ([]metal.FirmwareVersion, error) {
	items, err := v.inventoryItems(ctx)
	var list []metal.FirmwareVersion
	for _, item := range items {
		if previous(item) || item.Version == "" {
			continue
		}
		list = append(list, metal.FirmwareVersion{
			Component: componentOf(item, v), Version: string(item.Version), ID: string(item.ID), Updatable: item.Updateable,
		})
	}
	return list, err
}

func (v *visit) inventoryItems(ctx context.Context) ([]inventory, error) {
	if v.root.UpdateService.ID == "" {
		return nil, nil
	}
	var service updateService
	if err := v.get(ctx, v.root.UpdateService.ID, &service); err != nil || service.FirmwareInventory.ID == "" {
		return nil, err
	}
	return members[inventory](ctx, v, service.FirmwareInventory.ID, 1)
}

// previous is an image that is kept and does not run: iDRACs list theirs as
// "Previous-…", OpenBMC and Supermicro as backups, with a state of their own.
func previous(item inventory) bool {
	id := strings.ToLower(string(item.ID + " " + item.Name))
	return strings.HasPrefix(id, "previous-") || strings.Contains(id, "backup") || strings.HasPrefix(id, "available-") ||
		item.Status.State == "StandbySpare" || item.Status.State == "StandbyOffline"
}

// componentOf is our word for what a firmware is of: the machine's BIOS and
// its BMC have one, all else goes by the BMC's name for it.
func componentOf(item inventory, v *visit) string {
	name := strings.ToLower(string(cmp.Or(item.Name, item.ID)))
	id := strings.ToLower(string(item.ID))
	switch {
	case id == "bios" || name == "bios" || v.system.BiosVersion != "" && item.Version == v.system.BiosVersion && strings.Contains(name, "bios"):
		return "bios"
	case id == "bmc" || name == "bmc" || strings.Contains(name, "remote access controller") || strings.HasPrefix(name, "ilo "):
		return "bmc"
	}
	return name
}

// withMain adds the BIOS and the BMC where the inventory does not name them.
func (v *visit) withMain(ctx context.Context, list []metal.FirmwareVersion) ([]metal.FirmwareVersion, error) {
	has := map[string]bool{}
	for _, one := range list {
		has[one.Component] = true
	}
	if !has["bios"] && v.system.BiosVersion != "" {
		list = append(list, metal.FirmwareVersion{Component: "bios", Version: string(v.system.BiosVersion)})
	}
	if has["bmc"] || len(v.system.Links.ManagedBy) == 0 {
		return list, nil
	}
	var m struct{ FirmwareVersion word }
	err := v.get(ctx, v.system.Links.ManagedBy[0].ID, &m)
	if m.FirmwareVersion != "" {
		list = append(list, metal.FirmwareVersion{Component: "bmc", Version: string(m.FirmwareVersion)})
	}
	return list, err
}

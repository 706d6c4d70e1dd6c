package bmc

import (
	"context"
	"net"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// networkCard is an Ethernet interface of the machine.
type networkCard struct {
	Permanent word `json:"PermanentMACAddress"`
	Current   word `json:"MACAddress"`
	Type      word `json:"EthernetInterfaceType"` // left out, "Physical" or "Virtual"
	VLAN      struct{ VLANEnable bool }
	Links     struct{ HostInterface reference } // of the card that leads to the BMC
	ID        word
}

// identify reads who the machine is. Its firmware and its network cards are not
// known to every BMC before a first boot.
func (s *redfishSession) identify(ctx context.Context) (metal.MachineIdentity, error) {
	v, err := s.look(ctx)
	if err != nil {
		return metal.MachineIdentity{}, err
	}
	got := metal.MachineIdentity{
		Vendor: string(v.system.Manufacturer), Model: string(v.system.Model),
		Serial: string(v.system.SerialNumber), UUID: strings.ToLower(string(v.system.UUID)),
	}
	// Dell's service tag, which its firmware shows as the serial, is the SKU; its
	// SerialNumber is the board's.
	if strings.HasPrefix(got.Vendor, "Dell") && v.system.SKU != "" {
		got.Serial = string(v.system.SKU)
	}
	if got.MACs, err = v.macs(ctx); err != nil && !v.answered() {
		return got, err
	}
	list, err := v.inventory(ctx)
	if err == nil || v.answered() {
		list, err = v.withMain(ctx, list)
	}
	got.Firmware = list
	if err != nil && !v.answered() {
		return got, err
	}
	return got, nil
}

// macs are those of the machine's own cards, in order.
func (v *visit) macs(ctx context.Context) (list []string, err error) {
	if v.system.Interfaces.ID == "" {
		return nil, nil
	}
	cards, err := members[networkCard](ctx, v, v.system.Interfaces.ID, 1)
	for _, card := range cards {
		if card.Type != "" && card.Type != "Physical" || card.Links.HostInterface.ID != "" {
			continue
		}
		for _, text := range []word{card.Permanent, card.Current} {
			mac, err := net.ParseMAC(string(text))
			if err == nil && len(mac) == 6 && !slices.Contains(list, mac.String()) {
				list = append(list, mac.String())
				break
			}
		}
	}
	return list, err
}

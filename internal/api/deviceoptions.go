package api

import (
	"encoding/json"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// notOffered refuses what the API has and Millwright has not: whoever asks for
// it expects something that would not happen.
func notOffered(in DeviceInput, _ *metal.DeviceWish) error {
	switch {
	case in.SpotInstance:
		return unprocessable("spot_instance: there are no spot instances; leave it false")
	case in.SpotPriceMax != 0:
		return unprocessable("spot_price_max: there are no spot instances; leave it out")
	case in.FirmwareSet != "":
		return unprocessable("firmware_set_id: there are no firmware sets; leave it out")
	case len(in.Features) > 0:
		return unprocessable("features: of no plan is it known whether its machines have %s; leave it out, or call it preferred", strings.Join(in.Features, ", "))
	case in.PublicIPv4SubnetSize != 0 && in.PublicIPv4SubnetSize != linkBits:
		return unprocessable("public_ipv4_subnet_size: a device's own public IPv4 is a /%d; reserve more (/projects/…/ips) and assign them to it", linkBits)
	case in.PrivateIPv4SubnetSize != 0 && in.PrivateIPv4SubnetSize != linkBits:
		return unprocessable("private_ipv4_subnet_size: a device's private IPv4 is a /%d", linkBits)
	}
	return nil
}

const (
	linkBits  = 31  // of a device's own IPv4 links
	linkBits6 = 127 // of IPv6
)

// linksOf reads which addresses a device is to have. Left out, it has all three;
// private IPv4 it always has.
func linksOf(in DeviceInput, wish *metal.DeviceWish) error {
	if len(in.IPAddresses) == 0 {
		wish.Links = []string{"public4", "private4", "public6"}
		return nil
	}
	for _, l := range in.IPAddresses {
		name, err := l.name()
		if err != nil {
			return err
		}
		if !slices.Contains(wish.Links, name) {
			wish.Links = append(wish.Links, name)
		}
	}
	if !slices.Contains(wish.Links, "private4") {
		return unprocessable(`ip_addresses: private IPv4 is mandatory; add {"address_family": 4, "public": false}`)
	}
	return nil
}

func (l DeviceLink) name() (string, error) {
	public := l.Public == nil || *l.Public
	switch {
	case len(l.IPReservations) > 0:
		return "", unprocessable("ip_addresses: ip_reservations are assigned to a device that is there (POST /devices/…/ips); leave them out")
	case l.AddressFamily == 4 && l.CIDR != 0 && l.CIDR != linkBits, l.AddressFamily == 6 && l.CIDR != 0 && l.CIDR != linkBits6:
		return "", unprocessable("ip_addresses: cidr %d: a device's own addresses are /%d and /%d; leave it out, and reserve more if you need them", l.CIDR, linkBits, linkBits6)
	case l.AddressFamily == 4 && public:
		return "public4", nil
	case l.AddressFamily == 4:
		return "private4", nil
	case l.AddressFamily == 6 && public:
		return "public6", nil
	case l.AddressFamily == 6:
		return "", unprocessable("ip_addresses: there is no private IPv6; use public IPv6")
	}
	return "", unprocessable("ip_addresses: address_family %d is neither 4 nor 6", l.AddressFamily)
}

// storageOf takes Millwright's own layouts of disks. The API's names partitions
// of disks by their Linux names, which another machine of the plan may not have:
// of it, only what asks for nothing is taken.
func storageOf(in DeviceInput, wish *metal.DeviceWish) error {
	if len(in.Storage) == 0 || string(in.Storage) == "null" {
		return nil
	}
	var layout map[string]json.RawMessage
	if json.Unmarshal(in.Storage, &layout) != nil {
		return unprocessable("storage: want an object")
	}
	for _, part := range []string{"disks", "raid", "filesystems"} {
		if !isNothing(layout[part]) {
			return unprocessable(`storage: %s are not taken as such; say which disk boots, whether it is mirrored, and what the others hold: {"boot": {}, "mirror": true, "data": [{"filesystem": "ext4", "label": "data"}]}`, part)
		}
		delete(layout, part)
	}
	if len(layout) > 0 {
		wish.Order.Storage = in.Storage
	}
	return nil
}

func isNothing(raw json.RawMessage) bool {
	return len(raw) == 0 || slices.Contains([]string{"null", "[]", "{}", `""`}, string(raw))
}

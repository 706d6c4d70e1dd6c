package redfish

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

var restartTypes = []string{"GracefulRestart", "ForceRestart"}

func manager(b *BMC) object {
	return resource(managerPath, "Manager.v1_10_0.Manager", b.name, object{
		"ManagerType": "BMC", "Model": b.hardware.Model, "UUID": b.hardware.UUID, "PowerState": "On",
		"FirmwareVersion": b.firmware[bmcFirmware].current, "Status": statusOf(healthOK),
		"DateTime":           time.Now().UTC().Format(time.RFC3339),
		"EthernetInterfaces": link(lansPath), "HostInterfaces": link(hostsPath), "LogServices": link(logsPath),
		"Actions": object{"#Manager.Reset": object{
			"target": restartPath, "ResetType@Redfish.AllowableValues": restartTypes,
		}},
		"Links": object{"ManagerForServers": []object{link(systemPath)}, "ManagerForChassis": []object{link(enclosurePath)}},
	})
}

// restart answers the action that restarts the BMC, and is away from then on.
func restart(b *BMC, w http.ResponseWriter, _ *http.Request, body []byte) {
	var asked struct{ ResetType string }
	if err := json.Unmarshal(body, &asked); err != nil || !slices.Contains(restartTypes, asked.ResetType) {
		refuse(w, http.StatusBadRequest, "ActionParameterNotSupported", "ResetType: want one of the allowable values")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leave(time.Now())
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusNoContent)
}

// leave begins a restart: nobody stays logged in, and a freeze is over, as
// is what was stuck. The machine notices nothing. It wants the lock.
func (b *BMC) leave(at time.Time) {
	b.sessions, b.frozen = nil, time.Time{}
	b.away = at.Add(b.hardware.Restart)
	delete(b.faults, StuckInside)
	b.restarts++
	b.log.Info("BMC restarts")
}

func (b *BMC) isAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Before(b.away)
}

// Restarts is how often the BMC was restarted.
func (b *BMC) Restarts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.restarts
}

// lan is what the BMC says of its own network. Its socket is where the lab put
// it, whatever is set here.
type lan struct {
	address string // and its mask and gateway follow from it
	dhcp    bool
	vlan    int
}

func lanView(b *BMC) object {
	origin, static := "Static", []object{{"Address": b.lan.address, "SubnetMask": "255.255.255.0"}}
	if b.lan.dhcp {
		origin, static = "DHCP", []object{}
	}
	return resource(lanPath, "EthernetInterface.v1_6_0.EthernetInterface", "BMC LAN", object{
		"InterfaceEnabled": true, "MACAddress": "02:B0:00:00:00:01", "HostName": b.name, "LinkStatus": "LinkUp", "SpeedMbps": 1000,
		"IPv4Addresses":       []object{{"Address": b.lan.address, "SubnetMask": "255.255.255.0", "AddressOrigin": origin, "Gateway": nil}},
		"IPv4StaticAddresses": static,
		"DHCPv4":              object{"DHCPEnabled": b.lan.dhcp},
		"VLAN":                object{"VLANEnable": b.lan.vlan != 0, "VLANId": b.lan.vlan},
		"Status":              statusOf(healthOK),
	})
}

// staticAddress is an element of IPv4StaticAddresses.
type staticAddress struct{ Address, SubnetMask, Gateway string }

func patchLAN(b *BMC, w http.ResponseWriter, _ *http.Request, body []byte) {
	var patch struct {
		DHCPv4              *struct{ DHCPEnabled bool }
		IPv4StaticAddresses []staticAddress
		VLAN                *struct {
			VLANEnable bool
			VLANId     int
		}
	}
	if !read(w, body, &patch) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.lan
	if patch.DHCPv4 != nil {
		next.dhcp = patch.DHCPv4.DHCPEnabled
	}
	for _, a := range patch.IPv4StaticAddresses {
		next.address = a.Address
	}
	if patch.VLAN != nil {
		next.vlan = patch.VLAN.VLANId
		if !patch.VLAN.VLANEnable {
			next.vlan = 0
		}
	}
	if _, err := netip.ParseAddr(next.address); err != nil || next.vlan < 0 || next.vlan > 4094 {
		refuse(w, http.StatusBadRequest, "PropertyValueFormatError", "want an address, and a VLAN of up to 4094")
		return
	}
	b.lan = next
	w.WriteHeader(http.StatusNoContent)
}

// hostView is the way in from the machine's own system.
func hostView(b *BMC) object {
	return resource(hostPath, "HostInterface.v1_3_0.HostInterface", "Host interface", object{
		"HostInterfaceType": "NetworkHostInterface", "InterfaceEnabled": b.inBand, "Status": statusOf(healthOK),
	})
}

func patchHost(b *BMC, w http.ResponseWriter, _ *http.Request, body []byte) {
	var patch struct{ InterfaceEnabled *bool }
	if !read(w, body, &patch) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if patch.InterfaceEnabled != nil {
		b.inBand = *patch.InterfaceEnabled
	}
	w.WriteHeader(http.StatusNoContent)
}

package bmc

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// secure brings one thing in order after the other. Users come first: nobody
// else shall change what comes after.
func (s *redfishSession) secure(ctx context.Context, want metal.BMCWish) (found []metal.Finding, err error) {
	found, err = secureUsers(ctx, s, want)
	if err != nil {
		return found, err
	}
	v, err := s.look(ctx)
	if err != nil {
		return found, err
	}
	for _, step := range []func(context.Context, metal.BMCWish) ([]metal.Finding, error){
		v.secureLAN, v.secureOverride, v.secureEntries, v.secureSettings, v.secureWayIn,
	} {
		more, err := step(ctx, want)
		found = append(found, more...)
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// managerPart is one of the collections of the BMC itself.
func (v *visit) managerPart(name string) string {
	if len(v.system.Links.ManagedBy) == 0 {
		return ""
	}
	return strings.TrimSuffix(v.system.Links.ManagedBy[0].ID, "/") + "/" + name
}

// lanPort is an Ethernet interface of the BMC.
type lanPort struct {
	Path    string `json:"@odata.id"`
	ETag    string `json:"@odata.etag"`
	Enabled *bool  `json:"InterfaceEnabled"`
	V4      []struct {
		Address, SubnetMask, Gateway word
	} `json:"IPv4Addresses"`
	V6 []struct{ Address word } `json:"IPv6Addresses"`
}

func (p lanPort) has(address netip.Addr) bool {
	for _, a := range p.V4 {
		if at, err := netip.ParseAddr(string(a.Address)); err == nil && at == address {
			return true
		}
	}
	for _, a := range p.V6 {
		if at, err := netip.ParseAddr(string(a.Address)); err == nil && at == address {
			return true
		}
	}
	return false
}

// secureLAN has the BMC keep the address that it is known by. How it came by it
// (by DHCP, or by hand) is the site's business. An address of IPv6 is compared
// alone: BMCs get theirs from routers.
func (v *visit) secureLAN(ctx context.Context, want metal.BMCWish) ([]metal.Finding, error) {
	address, err := netip.ParseAddr(want.Address)
	path := v.managerPart("EthernetInterfaces")
	if err != nil || path == "" {
		return nil, nil
	}
	ports, err := members[lanPort](ctx, v, path, 1)
	if err != nil || len(ports) == 0 {
		return nil, err
	}
	var other []string
	for _, p := range ports {
		if p.has(address) {
			return nil, nil
		}
		for _, a := range p.V4 {
			other = append(other, clean(string(a.Address), 40))
		}
	}
	found := []metal.Finding{finding(metal.BMCNetwork, "", fmt.Sprintf("its LAN is set to %s instead of %s", strings.Join(other, ", "), address))}
	if address.Is6() {
		return found, nil
	}
	return found, v.readdress(ctx, ports, address)
}

// readdress sets a static address on the BMC's first port, with the mask and
// the gateway that the port has, and reads it back.
func (v *visit) readdress(ctx context.Context, ports []lanPort, address netip.Addr) error {
	port := ports[0]
	for _, p := range ports {
		if len(p.V4) > 0 && (p.Enabled == nil || *p.Enabled) {
			port = p
			break
		}
	}
	static := map[string]any{"Address": address.String(), "SubnetMask": "255.255.255.0"}
	if len(port.V4) > 0 && port.V4[0].SubnetMask != "" {
		static["SubnetMask"] = port.V4[0].SubnetMask
		if port.V4[0].Gateway != "" {
			static["Gateway"] = port.V4[0].Gateway
		}
	}
	err := v.patch(ctx, port.Path, port.ETag, map[string]any{
		"DHCPv4": map[string]any{"DHCPEnabled": false}, "IPv4StaticAddresses": []any{static},
	})
	if err != nil {
		return fmt.Errorf("set its LAN back to %s: %w", address, err)
	}
	var got lanPort
	if err := v.get(ctx, port.Path, &got); err != nil {
		return err
	}
	if !got.has(address) {
		return fmt.Errorf("its LAN was set back to %s, and does not read back so", address)
	}
	return nil
}

// hostInterface is a network between the machine and its BMC (DSP0270).
type hostInterface struct {
	Path    string `json:"@odata.id"`
	ETag    string `json:"@odata.etag"`
	ID      word
	Enabled *bool `json:"InterfaceEnabled"`
}

// secureWayIn closes the host interfaces. Redfish has no word for the older way
// in, IPMI over KCS: a machine whose BMC shows no host interface is taken to
// have that one, and nobody to close it.
func (v *visit) secureWayIn(ctx context.Context, want metal.BMCWish) (found []metal.Finding, err error) {
	path := v.managerPart("HostInterfaces")
	if want.InBand || path == "" {
		return nil, nil
	}
	ways, err := members[hostInterface](ctx, v, path, 1)
	if err != nil && !v.answered() {
		return nil, err
	}
	if err != nil || len(ways) == 0 {
		return []metal.Finding{finding(metal.InBandOpen, "", "the BMC shows no host interface that could be closed")}, nil
	}
	for _, way := range ways {
		if way.Enabled != nil && !*way.Enabled {
			continue
		}
		one, err := v.shut(ctx, way)
		if err != nil {
			return found, err
		}
		found = append(found, one)
	}
	return found, nil
}

func (v *visit) shut(ctx context.Context, way hostInterface) (metal.Finding, error) {
	name := string(way.ID)
	refused := v.patch(ctx, way.Path, way.ETag, map[string]any{"InterfaceEnabled": false})
	if refused != nil && !v.answered() {
		return metal.Finding{}, refused
	}
	var got hostInterface
	if err := v.get(ctx, way.Path, &got); err != nil {
		return metal.Finding{}, err
	}
	if refused != nil || got.Enabled == nil || *got.Enabled {
		return finding(metal.InBandOpen, name, "host interface "+quoted(name)+" is open, and cannot be closed"), nil
	}
	return finding(metal.InBandOpen, name, "host interface "+quoted(name)+" was open; it was closed"), nil
}

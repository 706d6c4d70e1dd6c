package bmc

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// secure brings users, the LAN address and the boot override in order, which is
// what IPMI knows of. The rest of a wish are findings.
func (s *ipmiSession) secure(ctx context.Context, want metal.BMCWish) (found []metal.Finding, err error) {
	found, err = secureUsers(ctx, s, want)
	if err != nil {
		return found, err
	}
	for _, step := range []func(context.Context, metal.BMCWish) ([]metal.Finding, error){s.secureLAN, s.secureOverride} {
		more, err := step(ctx, want)
		found = append(found, more...)
		if err != nil {
			return found, err
		}
	}
	if len(want.Settings) > 0 {
		f := finding(metal.BMCSettings, "", "the plan wants settings of the firmware, and IPMI cannot read any")
		f.Severity = metal.Note
		found = append(found, f)
	}
	if !want.InBand {
		found = append(found, finding(metal.InBandOpen, "", "IPMI has no way to close the machine's own to the BMC"))
	}
	return found, nil
}

// secureLAN has the BMC keep the address that it is known by. A BMC that does
// not tell its own is left alone.
func (s *ipmiSession) secureLAN(ctx context.Context, want metal.BMCWish) ([]metal.Finding, error) {
	address, err := netip.ParseAddr(want.Address)
	if err != nil || !address.Is4() {
		return nil, nil
	}
	is, err := s.lanAddress(ctx)
	if err != nil || !is.IsValid() || is == address {
		return nil, err
	}
	found := []metal.Finding{finding(metal.BMCNetwork, "", fmt.Sprintf("its LAN is set to %s instead of %s", is, address))}
	set := "lan set " + lanChannel + " "
	if _, _, err := s.script(ctx, []string{set + "ipsrc static", set + "ipaddr " + address.String()}); err != nil {
		return found, fmt.Errorf("set its LAN back to %s: %w", address, err)
	}
	if is, err = s.lanAddress(ctx); err == nil && is != address {
		err = fmt.Errorf("its LAN was set back to %s, and reads back as %s", address, is)
	}
	return found, err
}

func (s *ipmiSession) lanAddress(ctx context.Context) (netip.Addr, error) {
	_, printed, err := s.script(ctx, []string{"lan print " + lanChannel})
	if err != nil {
		return netip.Addr{}, err
	}
	at, err := netip.ParseAddr(facts(printed[0])["ip address"])
	if err != nil || at.IsUnspecified() {
		return netip.Addr{}, nil
	}
	return at, nil
}

// secureOverride drops a boot override that lasts.
func (s *ipmiSession) secureOverride(ctx context.Context, _ metal.BMCWish) ([]metal.Finding, error) {
	is, err := s.boot(ctx)
	if err != nil || !is.valid || is.once || is.device == "none" {
		return nil, err
	}
	found := []metal.Finding{finding(metal.BootOrder, "override", "the machine was told to boot from "+quoted(is.device)+" each time; that was dropped")}
	if _, _, err := s.script(ctx, []string{"chassis bootdev none"}); err != nil {
		return found, fmt.Errorf("drop the boot override: %w", err)
	}
	if is, err = s.boot(ctx); err == nil && is.valid && !is.once && is.device != "none" {
		err = fmt.Errorf("the boot override was dropped, and reads back as %s", strings.TrimSpace(is.device))
	}
	return found, err
}

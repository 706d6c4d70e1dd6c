package bmc

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"millwright/internal/metal"
)

// secureOverride drops a boot override that lasts: nobody here sets one. One
// for the next boot alone is left, since the step that boots sets its own.
func (v *visit) secureOverride(ctx context.Context, _ metal.BMCWish) ([]metal.Finding, error) {
	if v.system.Boot.Enabled != "Continuous" {
		return nil, nil
	}
	found := []metal.Finding{finding(metal.BootOrder, "override",
		"the machine was told to boot from "+quoted(string(v.system.Boot.Target))+" each time; that was dropped")}
	err := v.patch(ctx, v.system.ID, v.system.ETag, map[string]any{"Boot": map[string]any{"BootSourceOverrideEnabled": "Disabled"}})
	if err != nil {
		return found, fmt.Errorf("drop the boot override: %w", err)
	}
	var now computerSystem
	if err := v.get(ctx, v.system.ID, &now); err != nil {
		return found, err
	}
	if now.Boot.Enabled == "Continuous" {
		return found, fmt.Errorf("the boot override was dropped, and reads back as %q", now.Boot.Enabled)
	}
	return found, nil
}

// bootEntry is an entry of the firmware's boot menu (DSP2046, BootOption).
type bootEntry struct {
	Path    string `json:"@odata.id"`
	ETag    string `json:"@odata.etag"`
	ID      word
	Name    word  `json:"DisplayName"`
	Device  word  `json:"UefiDevicePath"`
	Enabled *bool `json:"BootOptionEnabled"`
}

// strange is whether an entry is somebody's own: one that starts a file, or
// loads from a URI. The firmware's own name devices, and the fallback file
// \EFI\BOOT\BOOTX64.EFI of one (UEFI 2.10, 3.5.1.1).
func (e bootEntry) strange() bool {
	if e.Enabled != nil && !*e.Enabled {
		return false
	}
	device := strings.ToLower(strings.ReplaceAll(string(e.Device), "/", `\`))
	if strings.Contains(device, `\efi\boot\boot`) {
		return false
	}
	return strings.Contains(device, ".efi") || strings.Contains(device, "hd(") || strings.Contains(device, "uri(http")
}

// secureEntries removes boot entries that are not the firmware's own. One that
// cannot be removed or disabled stays a finding.
func (v *visit) secureEntries(ctx context.Context, _ metal.BMCWish) (found []metal.Finding, err error) {
	if v.system.Boot.BootOptions.ID == "" {
		return nil, nil
	}
	entries, err := members[bootEntry](ctx, v, v.system.Boot.BootOptions.ID, 1)
	if err != nil {
		if v.answered() { // a link to nothing, as BMCs have of machines that never booted
			return nil, nil
		}
		return nil, err
	}
	for _, e := range entries {
		if !e.strange() {
			continue
		}
		detail := "boot entry " + quoted(string(e.Name)) + " starts " + quoted(string(e.Device)) + "; it was removed"
		if gone, err := v.removeEntry(ctx, e); err != nil {
			return found, err
		} else if !gone {
			detail = strings.TrimSuffix(detail, "was removed") + "cannot be removed"
		}
		found = append(found, finding(metal.BootOrder, string(e.ID), detail))
	}
	return found, nil
}

// removeEntry deletes, or else disables, and reads back.
func (v *visit) removeEntry(ctx context.Context, e bootEntry) (gone bool, err error) {
	_, err = v.sendJSON(ctx, ask{method: http.MethodDelete, path: e.Path, etag: e.ETag}, nil)
	if err != nil && v.answered() {
		err = v.patch(ctx, e.Path, e.ETag, map[string]any{"BootOptionEnabled": false})
	}
	if err != nil && !v.answered() {
		return false, err
	}
	var now bootEntry
	if err := v.get(ctx, e.Path, &now); err != nil {
		return v.wire.lastExchange().status == http.StatusNotFound, onlyIf(!v.answered(), err)
	}
	return !now.strange(), nil
}

func onlyIf(so bool, err error) error {
	if so {
		return err
	}
	return nil
}

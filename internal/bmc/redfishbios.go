package bmc

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// bios is the Bios resource, and the one with what is to be set (DSP0266,
// settings resource).
type bios struct {
	Path       string `json:"@odata.id"`
	ETag       string `json:"@odata.etag"`
	Attributes map[string]json.RawMessage
	Settings   struct {
		Object     reference `json:"SettingsObject"`
		ApplyTimes []string  `json:"SupportedApplyTimes"`
	} `json:"@Redfish.Settings"`
}

// bootModes are the settings that choose between UEFI and BIOS: Dell's and
// HPE's, Supermicro's, Lenovo's and Fujitsu's.
var bootModes = []string{"BootMode", "BootModeSelect", "BootModes_SystemBootMode", "SystemBootMode"}

// isMode is whether a vendor's word is for this firmware.
func isMode(said string, firmware metal.Firmware) bool {
	said = strings.ToLower(said)
	if strings.Contains(said, "dual") {
		return false
	}
	if strings.Contains(said, "uefi") {
		return firmware == metal.UEFI
	}
	return firmware == metal.BIOS && (strings.Contains(said, "bios") || strings.Contains(said, "legacy"))
}

// modeWord is how to say it to the vendor that calls the other one so.
func modeWord(said string, firmware metal.Firmware) (string, bool) {
	words := map[string][2]string{ // UEFI, BIOS
		"Uefi": {"Uefi", "Bios"}, "Bios": {"Uefi", "Bios"}, // Dell
		"LegacyBios": {"Uefi", "LegacyBios"},                                                       // HPE
		"UEFI":       {"UEFI", "LEGACY"}, "LEGACY": {"UEFI", "LEGACY"}, "DUAL": {"UEFI", "LEGACY"}, // Supermicro
		"UEFIMode": {"UEFIMode", "LegacyMode"}, "LegacyMode": {"UEFIMode", "LegacyMode"}, // Lenovo
	}
	pair, known := words[said]
	if firmware == metal.UEFI {
		return pair[0], known
	}
	return pair[1], known
}

// secureSettings has the firmware's settings be as wished from the next start.
// The boot mode is one of them where the vendor has a setting for it; where not,
// each boot says its own.
func (v *visit) secureSettings(ctx context.Context, want metal.BMCWish) (found []metal.Finding, err error) {
	if v.system.Bios.ID == "" || len(want.Settings) == 0 && want.Boot == "" {
		return nil, nil
	}
	var now, next bios
	if err := v.get(ctx, v.system.Bios.ID, &now); err != nil {
		return nil, onlyIf(!v.answered() || len(want.Settings) > 0, err)
	}
	if at := now.Settings.Object.ID; at != "" {
		if err := v.get(ctx, at, &next); err != nil {
			return nil, err
		}
		next.Path = at
	}
	wished, found := now.wishes(want)
	change := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(wished)) {
		is, waits := textOf(now.Attributes[name]), textOf(next.Attributes[name])
		if is == wished[name] && (waits == "" || waits == is) {
			continue
		}
		found = append(found, settingFinding(name, is, waits, wished[name]))
		if waits != wished[name] {
			change[name] = valueLike(now.Attributes[name], wished[name])
		}
	}
	if len(change) == 0 {
		return found, nil
	}
	return found, v.set(ctx, now, next, change, wished)
}

// wishes are the settings that are wished and that there are.
func (now bios) wishes(want metal.BMCWish) (wished map[string]string, found []metal.Finding) {
	wished = map[string]string{}
	for name, value := range want.Settings {
		if _, there := now.Attributes[name]; !there {
			f := finding(metal.BMCSettings, name, "the plan wants "+quoted(value)+", and the firmware has no such setting")
			f.Severity = metal.Note // it is the plan that is wrong, not the machine
			found = append(found, f)
			continue
		}
		wished[name] = value
	}
	for _, name := range bootModes {
		is := textOf(now.Attributes[name])
		if _, said := want.Settings[name]; said || want.Boot == "" || is == "" {
			continue
		}
		if word, known := modeWord(is, want.Boot); known && !isMode(is, want.Boot) {
			wished[name] = word
		} else if known {
			wished[name] = is // so that another one that waits is noticed
		}
	}
	return wished, found
}

func settingFinding(name, is, waits, want string) metal.Finding {
	detail := fmt.Sprintf("%s is %s instead of %s; it is set, and waits for the next start", clean(name, 64), quoted(is), quoted(want))
	if is == want {
		detail = fmt.Sprintf("%s would have become %s at the next start; it stays %s", clean(name, 64), quoted(waits), quoted(want))
	}
	kind := metal.BMCSettings
	if slices.Contains(bootModes, name) {
		kind = metal.WrongBootMode
	}
	return finding(kind, name, detail)
}

// set writes settings, and reads back that they wait, or are so at once.
func (v *visit) set(ctx context.Context, now, next bios, change map[string]any, wished map[string]string) error {
	at, etag := next.Path, next.ETag
	if at == "" {
		at, etag = v.system.Bios.ID, now.ETag
	}
	body := map[string]any{"Attributes": change}
	if slices.Contains(now.Settings.ApplyTimes, "OnReset") {
		body["@Redfish.SettingsApplyTime"] = map[string]any{"ApplyTime": "OnReset"}
	}
	if err := v.patch(ctx, at, etag, body); err != nil {
		return fmt.Errorf("set %s: %w", strings.Join(slices.Sorted(maps.Keys(change)), ", "), err)
	}
	var waits, is bios
	if err := v.get(ctx, at, &waits); err != nil {
		return err
	}
	for name := range change {
		if textOf(waits.Attributes[name]) == wished[name] {
			continue
		}
		// Some settings need no restart, and are gone from those that wait.
		if is.Attributes == nil {
			if err := v.get(ctx, v.system.Bios.ID, &is); err != nil {
				return err
			}
		}
		if textOf(is.Attributes[name]) != wished[name] || textOf(waits.Attributes[name]) != "" {
			return fmt.Errorf("setting %s does not read back as %s", clean(name, 64), quoted(wished[name]))
		}
	}
	return nil
}

// textOf is a setting's value as plans write it.
func textOf(raw json.RawMessage) string {
	var value any
	if json.Unmarshal(raw, &value) != nil || value == nil {
		return ""
	}
	if text, ok := value.(string); ok {
		return text
	}
	return string(raw)
}

// valueLike is the text as the type that the firmware has for the setting.
func valueLike(raw json.RawMessage, text string) any {
	switch {
	case string(raw) == "true" || string(raw) == "false":
		if is, err := strconv.ParseBool(text); err == nil {
			return is
		}
	case len(raw) > 0 && raw[0] != '"':
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	return text
}

package bmc

import (
	"cmp"
	"context"
	"strings"

	"millwright/internal/metal"
)

// identify reads the board's label and the BMC's. IPMI knows no network cards
// but the BMC's own.
func (s *ipmiSession) identify(ctx context.Context) (metal.MachineIdentity, error) {
	_, printed, err := s.script(ctx, []string{"mc info"}, []string{"fru print 0"}, []string{"mc guid"})
	if err != nil {
		return metal.MachineIdentity{}, err
	}
	controller, label, guid := facts(printed[0]), facts(printed[1]), facts(printed[2])
	return metal.MachineIdentity{
		Vendor: cmp.Or(label["product manufacturer"], label["board mfg"], controller["manufacturer name"]),
		Model:  cmp.Or(label["product name"], label["board product"]),
		Serial: cmp.Or(label["product serial"], label["board serial"]),
		UUID:   uuid(guid["system guid"]), Firmware: ipmiFirmware(controller),
	}, nil
}

// uuid is a GUID if it is one; BMCs that have none give zeroes.
func uuid(text string) string {
	text = strings.ToLower(text)
	if len(text) != 36 || strings.Trim(text, "0-") == "" || strings.Trim(text, "0123456789abcdef-") != "" {
		return ""
	}
	return text
}

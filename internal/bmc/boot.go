package bmc

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// bootWords are bmclib's words for what a machine boots from; both protocols
// understand these two.
var bootWords = map[metal.BootDevice]string{metal.BootNetwork: "pxe", metal.BootDisk: "disk"}

// bootOnce sets the override and reads it back. A device other than the one
// asked for is an error: the machine must not be switched on with it. All else
// that may differ is known of BMCs that nevertheless boot as told, and is logged.
func (d *Driver) bootOnce(ctx context.Context, s session, b metal.BMC, device metal.BootDevice, fw metal.Firmware) error {
	word, ok := bootWords[device]
	if !ok || (fw != metal.UEFI && fw != metal.BIOS) {
		return fmt.Errorf("boot device %q with firmware %q: %w", device, fw, metal.ErrUnsupported)
	}
	if err := s.setBoot(ctx, word, fw == metal.UEFI); err != nil {
		return fmt.Errorf("set boot device: %w", err)
	}
	got, err := s.boot(ctx)
	if err != nil {
		return fmt.Errorf("read boot device back: %w", err)
	}
	if got.device != word {
		return fmt.Errorf("boot device reads back as %s instead of %s", got.device, word)
	}
	d.remark(ctx, b, got, fw)
	return nil
}

// remark logs what a BMC made of an override that it accepted.
func (d *Driver) remark(ctx context.Context, b metal.BMC, got override, fw metal.Firmware) {
	log := d.log().With("machine", b.Machine, "bmc", b.Address)
	if !got.once {
		log.WarnContext(ctx, "boot override asked for once reads back as continuous")
	}
	if got.efi != (fw == metal.UEFI) {
		log.WarnContext(ctx, "boot override reads back for the other firmware", "asked", fw)
	}
	// ipmi_sim never sets the bit, and OpenIPMI-based BMCs have been seen not to.
	if !got.valid {
		log.WarnContext(ctx, "boot override reads back without its valid bit")
	}
}

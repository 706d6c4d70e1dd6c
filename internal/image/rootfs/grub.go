package rootfs

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// modules are what GRUB has inside. It reads no others until some are
// installed in the file system.
var modules = strings.Fields("normal part_gpt ext2 fat linux echo test configfile ls cat search search_fs_uuid search_label gzio " +
	"minicmd reboot halt sleep probe regexp loadenv serial terminal")

// platforms are GRUB's, with modules that only one of them has.
var platforms = map[string][]string{
	"i386-pc":    {"biosdisk", "vbe"},
	"x86_64-efi": {"efi_gop", "efi_uga", "efifwsetup"},
}

// menu is /boot/grub/grub.cfg.
func (j *job) menu() string {
	var m strings.Builder
	m.WriteString("# Written when this image was made. update-grub may overwrite it.\nset default=0\nset timeout=1\n")
	for _, k := range j.kernels {
		fmt.Fprintf(&m, "menuentry 'Linux %s' {\n\tlinux /boot/%s root=UUID=%s ro%s\n", k.version, k.image, j.ids.fs, quoted(j.KernelArguments))
		if k.initrd != "" {
			fmt.Fprintf(&m, "\tinitrd /boot/%s\n", k.initrd)
		}
		m.WriteString("}\n")
	}
	return m.String()
}

// quoted keeps GRUB from reading a ";" in a kernel argument as an end.
func quoted(arguments string) string {
	var q strings.Builder
	for _, a := range strings.Fields(arguments) {
		fmt.Fprintf(&q, " '%s'", strings.ReplaceAll(a, "'", `'\''`))
	}
	return q.String()
}

// grub makes both programs, and gives their paths.
func (j *job) grub(ctx context.Context) (core, efi string, err error) {
	early, err := j.write("early.cfg", fmt.Sprintf("search.fs_uuid %s root\nset prefix=($root)/boot/grub\n", j.ids.fs))
	if err != nil {
		return "", "", err
	}
	made := map[string]string{}
	for platform, own := range platforms {
		made[platform] = filepath.Join(j.dir, platform)
		args := append([]string{"-d", filepath.Join(grubFolder, platform), "-O", platform, "-o", made[platform], "-p", "/boot/grub", "-c", early}, modules...)
		if _, err := j.run(ctx, nil, nil, "grub-mkimage", append(args, own...)...); err != nil {
			return "", "", err
		}
	}
	return made["i386-pc"], made["x86_64-efi"], nil
}

// Where GRUB's first sectors want to be told where they lie: its
// include/grub/i386/pc/boot.h and offsets.h.
const (
	bootCode        = 440   // of the first sector; Windows's disk number and the table follow
	bootSector      = 0x5c  // where the core begins, in sectors
	bootDriveCheck  = 0x66  // a jump; two NOPs are for firmware that names the wrong drive
	coreNext        = 0x1f4 // where the core's second sector is
	coreNextSegment = 0x1fe // and where in memory it goes
	coreSegment     = 0x820
	nop             = 0x90
)

// embed puts GRUB where BIOS firmware begins: what grub-install does, without a
// device.
func (j *job) embed(core string) (err error) {
	raw, err := os.ReadFile(core)
	if err != nil {
		return err
	}
	boot, err := os.ReadFile(filepath.Join(grubFolder, "i386-pc", "boot.img"))
	if err != nil {
		return err
	}
	if len(boot) < sector || len(raw) < 2*sector || len(raw) > biosSize {
		return fmt.Errorf("GRUB's boot sector has %d bytes and its core %d: want %d, and up to %d", len(boot), len(raw), sector, biosSize)
	}
	binary.LittleEndian.PutUint64(boot[bootSector:], biosStart/sector)
	boot[bootDriveCheck], boot[bootDriveCheck+1] = nop, nop
	binary.LittleEndian.PutUint64(raw[coreNext:], biosStart/sector+1)
	binary.LittleEndian.PutUint16(raw[coreNextSegment:], coreSegment)
	disk, err := os.OpenFile(j.disk, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() {
		if e := disk.Close(); err == nil {
			err = e
		}
	}()
	if _, err := disk.WriteAt(boot[:bootCode], 0); err != nil {
		return err
	}
	if _, err := disk.WriteAt(raw, biosStart); err != nil {
		return err
	}
	return disk.Sync()
}

// esp makes the EFI system partition.
func (j *job) esp(ctx context.Context, efi string) error {
	env := []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", j.newest.Unix()), "MTOOLS_SKIP_CHECK=1"}
	within := fmt.Sprintf("%s@@%d", j.disk, espStart)
	for _, step := range [][]string{
		{"mkfs.vfat", "--invariant", "-F", "32", "-s", "1", "-n", "ESP", "-i", j.ids.volume, "--offset", fmt.Sprint(espStart / sector), j.disk, fmt.Sprint(espSize / 1024)},
		{"mmd", "-i", within, "::EFI", "::EFI/BOOT"},
		{"mcopy", "-i", within, efi, "::EFI/BOOT/BOOTX64.EFI"},
	} {
		if _, err := j.run(ctx, nil, env, step[0], step[1:]...); err != nil {
			return err
		}
	}
	return nil
}

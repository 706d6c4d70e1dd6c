package ramdisk

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
)

// ko is a module file with nothing in it but what it says of itself.
func ko(t *testing.T, path, modinfo string) file {
	t.Helper()
	names := "\x00.modinfo\x00.shstrtab\x00"
	object := make([]byte, 64)
	copy(object, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(object[16:], 1)  // relocatable
	le.PutUint16(object[18:], 62) // x86-64
	le.PutUint32(object[20:], 1)
	le.PutUint16(object[52:], 64)
	le.PutUint16(object[58:], 64) // a section header's size
	le.PutUint16(object[60:], 3)  // how many
	le.PutUint16(object[62:], 2)  // the one with the names
	object = append(append(object, modinfo...), names...)
	le.PutUint64(object[40:], uint64(len(object)))
	section := func(name, kind uint32, offset, size int) {
		header := make([]byte, 64)
		le.PutUint32(header, name)
		le.PutUint32(header[4:], kind)
		le.PutUint64(header[24:], uint64(offset))
		le.PutUint64(header[32:], uint64(size))
		object = append(object, header...)
	}
	section(0, 0, 0, 0)
	section(1, 1, 64, len(modinfo))
	section(10, 3, 64+len(modinfo), len(names))
	var packed bytes.Buffer
	writer, err := xz.NewWriter(&packed)
	require.NoError(t, err)
	_, err = writer.Write(object)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return file{path: path, mode: 0o644, body: packed.Bytes()}
}

const folder = "usr/lib/modules/6.12"

func kernel(t *testing.T) []file {
	t.Helper()
	return []file{
		ko(t, folder+"/kernel/fs/ext4/ext4.ko.xz", "license=GPL\x00softdep=pre: crc32c post: nothing\x00alias=fs-ext4\x00depends=jbd2,crc-16\x00name=ext4\x00"),
		ko(t, folder+"/kernel/fs/jbd2/jbd2.ko.xz", "depends=\x00name=jbd2\x00"),
		ko(t, folder+"/kernel/lib/crc-16.ko.xz", "depends=\x00"),
		ko(t, folder+"/kernel/drivers/net/phy/marvell.ko.xz", "depends=\x00alias=mdio:0000*\x00"),
		ko(t, folder+"/kernel/drivers/net/phy/deep/aquantia.ko.xz", "depends=libphy\x00"),
		ko(t, folder+"/kernel/drivers/net/libphy.ko.xz", "depends=\x00"),
		ko(t, folder+"/kernel/sound/beep.ko.xz", "depends=\x00"),
	}
}

func chosenNames(chosen []module) []string {
	var found []string
	for _, m := range chosen {
		found = append(found, m.name)
	}
	return found
}

func TestModulesComeWithWhatTheyDependOn(t *testing.T) {
	t.Parallel()
	chosen, err := modules(kernel(t), []string{"fs/ext4/ext4", "drivers/net/phy/", "drivers/only/elsewhere"}, []string{"drivers/only/elsewhere"})
	require.NoError(t, err)
	require.Equal(t, []string{"aquantia", "crc_16", "ext4", "jbd2", "libphy", "marvell"}, chosenNames(chosen))
	found := map[string]string{}
	for _, f := range indexes(folder, chosen) {
		found[f.path] = string(f.body)
	}
	require.Contains(t, found[folder+"/modules.dep"], "kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/lib/crc-16.ko.xz\n")
	require.Equal(t, "alias fs-ext4 ext4\nalias mdio:0000* marvell\n", found[folder+"/modules.alias"])
	require.Equal(t, "softdep ext4 pre: crc32c\n", found[folder+"/modules.softdep"])
}

func TestHardwareThatNoModuleDrivesStopsTheBuild(t *testing.T) {
	t.Parallel()
	_, err := modules(kernel(t), []string{"fs/ext4/ext4", "drivers/nvme/host/nvmee", "fs/zfs/"}, nil)
	require.ErrorContains(t, err, "this kernel has no drivers/nvme/host/nvmee, fs/zfs/; correct hardware.go")
}

func TestADependencyThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	_, err := modules(kernel(t)[:1], []string{"fs/ext4/ext4"}, nil)
	require.ErrorContains(t, err, "jbd2 is needed, and the kernel's package has no such module (ext4 depends on it)")
}

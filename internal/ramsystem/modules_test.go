//go:build linux

package ramsystem

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func indexed(t *testing.T) *modules {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.dep":     "kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/lib/crc-16.ko.xz\nkernel/fs/jbd2/jbd2.ko.xz:\nkernel/lib/crc-16.ko.xz:\n",
		"modules.alias":   "alias fs-ext4 ext4\nalias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\nalias cpu:type:x86,ven*fam*mod*:feature:*0094* crc32c_intel\n",
		"modules.softdep": "softdep ext4 pre: crc32c\n",
		"modules.builtin": "kernel/drivers/virtio/virtio-pci.ko\n",
		"cmdline":         "console=ttyS0,115200 millwright.url=http://a.b e1000e.IntMode=1 e1000e.copybreak=256\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	m, err := openModules(dir, filepath.Join(dir, "cmdline"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return m
}

func TestADeviceIsMatchedToItsModule(t *testing.T) {
	t.Parallel()
	m := indexed(t)
	require.Equal(t, []string{"e1000e"}, m.matching("pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00"))
	require.Equal(t, []string{"crc32c_intel"}, m.matching("cpu:type:x86,ven0000fam000Fmod006B:feature:,0000,0094,0099"))
	require.Empty(t, m.matching("pci:v00001AF4d00001000"))
}

func TestTheIndexesOfModulesAreRead(t *testing.T) {
	t.Parallel()
	m := indexed(t)
	require.Equal(t, []string{"jbd2", "crc_16"}, m.needs["ext4"])
	require.Equal(t, []string{"crc32c"}, m.wishes["ext4"])
	require.Equal(t, "IntMode=1 copybreak=256", m.options["e1000e"])
	require.NoError(t, m.wanted(t.Context(), "virtio-pci"), "built in: nothing to load")
	require.ErrorIs(t, m.wanted(t.Context(), "pci:v00001AF4d00001000"), errNoModule)
}

func TestAModuleThatCannotBeLoadedIsNamedWithWhoNeedsIt(t *testing.T) {
	t.Parallel()
	err := indexed(t).wanted(t.Context(), "fs-ext4")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "load the module jbd2")
	require.ErrorContains(t, err, "(ext4 needs it)")
}

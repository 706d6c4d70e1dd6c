package machine

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/erasure"
	"millwright/internal/image"
	"millwright/internal/metal"
)

// shop serves one image of some blocks, with a hole in the middle.
func shop(t *testing.T) (id image.ID, content []byte, remote *image.Remote) {
	content = append(bytes.Repeat([]byte("tenant--"), 20_000), make([]byte, 64<<10)...)
	content = append(content, bytes.Repeat([]byte("the rest"), 512)...)
	path := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	store, err := image.OpenStore(t.TempDir(), 4096)
	require.NoError(t, err)
	id, err = store.Import(t.Context(), image.Origin{Path: path})
	require.NoError(t, err)
	server := httptest.NewServer(http.StripPrefix("/images", image.Handler(store, nil, slog.New(slog.DiscardHandler))))
	t.Cleanup(server.Close)
	remote, err = image.NewRemote(image.RemoteConfig{Servers: []string{server.URL + "/images"}})
	require.NoError(t, err)
	padded := make([]byte, (len(content)+511)/512*512)
	copy(padded, content)
	return id, padded, remote
}

func silent(int64, int64, string) {}

func TestADiskKeepsWhatIsWrittenAndForgetsWhatIsErased(t *testing.T) {
	t.Parallel()
	id, content, remote := shop(t)
	l := newLife(t)
	disks, disk := drives{l.Machine, 3, remote, func() {}}, l.disks[0]
	in := agent.Install{Image: id.String(), Size: int64(len(content))}
	require.NoError(t, disks.Check(t.Context(), in))
	proof, err := disks.Write(t.Context(), in, silent)
	require.NoError(t, err)
	require.Contains(t, proof, "disk S1 gave back all")
	require.Equal(t, content, disk.image)
	require.True(t, disk.Bootable())
	first := metal.FirstBoot{Hostname: "web1", PhoneHomeURL: "http://b/phone-home?boot=1"}
	require.NoError(t, disks.Configure(t.Context(), first, silent))
	require.Equal(t, &first, disk.State().FirstBoot)

	certificates, err := disks.Erase(t.Context(), metal.EraseFull, silent)
	require.NoError(t, err)
	require.Equal(t, DiskState{Serial: "S1", Empty: true}, disk.State())
	require.Len(t, certificates, 1)
	var c erasure.Certificate
	require.NoError(t, json.Unmarshal(certificates[0], &c))
	require.Equal(t, "S1", c.Serial)
	require.EqualValues(t, 3, c.Boot)
	text, err := c.Canonical()
	require.NoError(t, err)
	require.Equal(t, string(text), string(certificates[0]))
}

func TestAMediumErrorEndsHalfWayAndTheDiskDoesNotBoot(t *testing.T) {
	t.Parallel()
	id, content, remote := shop(t)
	l := newLife(t)
	l.SetFault(Fault{Name: DiskError, Times: 1})
	disks := drives{l.Machine, 3, remote, func() {}}
	_, err := disks.Write(t.Context(), agent.Install{Image: id.String()}, silent)
	require.ErrorContains(t, err, "disk S1: at byte")
	require.ErrorContains(t, err, "medium error")
	require.NotEmpty(t, l.disks[0].image)
	require.Less(t, len(l.disks[0].image), len(content))
	require.False(t, l.disks[0].Bootable())
}

func TestAnUnprovenErasureGivesNoCertificate(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.SetFault(Fault{Name: EraseUnproven, Times: 1})
	disks := drives{Machine: l.Machine}
	for _, mode := range []metal.EraseMode{metal.EraseFull, metal.EraseExpress} {
		l.SetFault(Fault{Name: EraseUnproven, Times: 1})
		certificates, err := disks.Erase(t.Context(), mode, silent)
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
		require.Empty(t, certificates)
	}
}

func TestWhatCannotBeInstalledIsSaidBeforehand(t *testing.T) {
	t.Parallel()
	id, _, remote := shop(t)
	disks := drives{newLife(t).Machine, 3, remote, func() {}}
	var small *image.TooSmallError
	require.ErrorAs(t, disks.Check(t.Context(), agent.Install{Image: id.String(), Size: 1 << 40}), &small)
	require.ErrorContains(t, disks.Check(t.Context(), agent.Install{Image: "debian.img"}), "64 hexadecimal digits")
}

func TestAKernelIsLoadedUnlessTheFaultOrAnEmptyDiskForbidsIt(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	require.ErrorContains(t, l.loadKernel(t.Context()), "no kernel")
	l.disks[0].finish()
	require.NoError(t, l.loadKernel(t.Context()))
	l.SetFault(Fault{Name: NoKexec, Times: 1})
	require.ErrorContains(t, l.loadKernel(t.Context()), "machine m1: disk S1: kexec_file_load")
	require.NoError(t, l.loadKernel(t.Context()))
}

func TestARescueNamesAHostKeyThatStaysTheSame(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	word, end, err := l.rescue(t.Context(), metal.Rescue{Hostname: "web1"})
	require.NoError(t, err)
	require.Regexp(t, `^SHA256:[A-Za-z0-9+/]{43}$`, word)
	require.Equal(t, Rescue, l.State().Phase)
	end()
	require.Equal(t, Agent, l.State().Phase)
}

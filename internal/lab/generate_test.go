package lab_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/image"
	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/sitefile"
)

func TestAGeneratedSiteOfAnySizeIsValid(t *testing.T) {
	t.Parallel()
	for machines, racks := range map[int]int{1: 1, 2: 2, 8: 2, 96: 2, 97: 3, 200: 5} {
		site, err := lab.Generate(lab.Size{Name: "lab1", Machines: machines, Racks: 2, Net: 64})
		require.NoError(t, err)
		require.Len(t, site.Machines, machines)
		require.Len(t, site.Switches, racks)
		var page strings.Builder
		require.NoError(t, sitefile.Write(&page, site))
		again, err := sitefile.Parse([]byte(page.String()), "generated", map[string]bool{"switch": true, "bmc": true})
		require.NoError(t, err)
		require.Equal(t, site, again)
	}
}

func TestASiteIsVouchedForUnlessItIsToBeProven(t *testing.T) {
	t.Parallel()
	for unproven, vouched := range map[bool]bool{false: true, true: false} {
		site, err := lab.Generate(lab.Size{Name: "lab1", Machines: 1, Net: 64, Unproven: unproven})
		require.NoError(t, err)
		require.Equal(t, vouched, site.Vouched)
	}
}

func TestRacksHoldNoMoreMachinesThanTheirSwitchHasPorts(t *testing.T) {
	t.Parallel()
	for _, machines := range []int{1, 47, 48, 49, 95, 96, 97, 145, 193} {
		site, err := lab.Generate(lab.Size{Name: "lab1", Machines: machines, Racks: 2, Net: 64})
		require.NoError(t, err)
		count := map[metal.RackID]int{}
		for _, m := range site.Machines {
			count[m.Rack]++
			require.LessOrEqual(t, count[m.Rack], 48)
		}
	}
}

func TestASiteThatCannotBeIsNotGenerated(t *testing.T) {
	t.Parallel()
	for _, size := range []lab.Size{{Net: 64}, {Machines: 8}, {Machines: 8, Net: 255}, {Machines: 5001, Net: 1}} {
		_, err := lab.Generate(size)
		require.ErrorContains(t, err, "want 1 to 5000 machines, and a net of 1 to 254")
	}
}

func TestWrittenImagesAreWhatTheSiteFileSays(t *testing.T) {
	t.Parallel()
	site, err := lab.Generate(lab.Size{Name: "lab1", Machines: 1, Net: 64})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "images")
	require.NoError(t, lab.WriteImages(dir))
	require.NoError(t, lab.WriteAgentFiles(dir))
	store, err := image.OpenStore(dir, 0)
	require.NoError(t, err)
	different := map[string]bool{}
	for _, system := range site.OperatingSystems {
		id, err := image.ParseID(system.Image.ID)
		require.NoError(t, err)
		index, err := store.Index(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, system.Image.Size, index.Size)
		different[system.Image.ID] = true
	}
	require.Len(t, different, 4)
	require.FileExists(t, filepath.Join(dir, "vmlinuz"))
}

func TestASpanIsOneDurationOrTwo(t *testing.T) {
	t.Parallel()
	var span lab.Span
	require.NoError(t, span.UnmarshalText([]byte("60s-180s")))
	require.Equal(t, lab.Span{Min: time.Minute, Max: 3 * time.Minute}, span)
	require.NoError(t, span.UnmarshalText([]byte("0s")))
	require.Equal(t, lab.Span{}, span)
	for _, bad := range []string{"", "fast", "-5s", "3s-1s", "1s-"} {
		require.ErrorContains(t, span.UnmarshalText([]byte(bad)), "want a duration such as 90s, or two", bad)
	}
}

func TestALabThatIsNotTheOneDescribedDoesNotStart(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*sitefile.Site){
		"the site file pins host key SHA256:other":         func(s *sitefile.Site) { s.Switches[0].HostKey = "SHA256:other" },
		"machine m1: the site file pins certificate other": func(s *sitefile.Site) { s.Machines[0].BMC.Fingerprint = "other" },
		"machine m1: a lab's BMC speaks redfish, not ipmi": func(s *sitefile.Site) { s.Machines[0].BMC.Protocol = metal.IPMI },
	} {
		site, err := lab.Generate(lab.Size{Name: "lab1", Machines: 1, Net: 64})
		require.NoError(t, err)
		spoil(site)
		_, err = lab.Start(t.Context(), lab.Config{Site: site, Credentials: login})
		require.ErrorContains(t, err, want)
	}
}

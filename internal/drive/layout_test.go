package drive

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var fleet = []Disk{
	{Path: "/dev/sda", Transport: SATA, Serial: "HDD1", Size: 4e12, Rotational: true},
	{Path: "/dev/sdb", Transport: SATA, Serial: "HDD2", Size: 1e11, Rotational: true},
	{Path: "/dev/nvme0n1", Transport: NVMe, Serial: "SSD1", Size: 1e12},
	{Path: "/dev/nvme1n1", Transport: NVMe, Serial: "SSD2", WWN: "eui.0025385", Size: 48e10},
	{Path: "/dev/nvme2n1", Transport: NVMe, Serial: "SSD0", Size: 48e10},
}

func TestTheBootDiskIsTheSmallestFlashThatFits(t *testing.T) {
	t.Parallel()
	for want, need := range map[string]int64{"SSD0": 10e9, "SSD1": 50e10, "HDD1": 2e12} {
		for range 10 {
			disks := append([]Disk(nil), fleet...)
			rand.Shuffle(len(disks), func(i, j int) { disks[i], disks[j] = disks[j], disks[i] })
			plan, err := Layout{}.Plan(disks, need)
			require.NoError(t, err)
			require.Equal(t, want, plan.Boot.Serial)
		}
	}
}

func TestANamedDiskBootsAndNothingElseTakesIt(t *testing.T) {
	t.Parallel()
	plan, err := Layout{
		Boot: Choice{Serial: "hdd2"}, Mirror: true,
		Data: []Volume{{Filesystem: XFS, Label: "big"}, {Serial: "EUI.0025385", Filesystem: Ext4, Label: "fast"}},
	}.Plan(fleet, 10e9)
	require.NoError(t, err)
	require.Equal(t, "HDD2", plan.Boot.Serial)
	require.Equal(t, "SSD0", plan.Mirror.Serial)
	require.Equal(t, "HDD1", plan.Data[0].Disk.Serial)
	require.Equal(t, "SSD2", plan.Data[1].Disk.Serial)
}

func TestALayoutThatDoesNotFitSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		layout   Layout
		need     int64
		sentinel error
		words    string
	}{
		{Layout{}, 5e12, ErrTooSmall, "none of the free disks has 5000000000000 bytes"},
		{Layout{Boot: Choice{Serial: "HDD2"}}, 2e11, ErrTooSmall, "/dev/sdb (serial HDD2) has 100000000000 bytes"},
		{Layout{Boot: Choice{Serial: "XYZ"}}, 1, ErrNoDisk, "the machine has /dev/nvme2n1 (serial SSD0) of"},
		{Layout{Mirror: true}, 2e12, ErrTooSmall, "second disk of the mirror"},
		{Layout{Boot: Choice{Serial: "HDD2"}, Mirror: true}, 1e11, ErrTooSmall, "boot disk"},
	} {
		_, err := c.layout.Plan(fleet, c.need)
		require.ErrorIs(t, err, c.sentinel)
		require.ErrorContains(t, err, c.words)
	}
	_, err := Layout{}.Plan(nil, 1)
	require.ErrorContains(t, err, "the machine has no disks")
}

func TestALayoutThatNoMachineCouldHaveIsRefused(t *testing.T) {
	t.Parallel()
	volume := Volume{Filesystem: Ext4, Label: "data"}
	for words, layout := range map[string]Layout{
		"mirror is not set":            {Boot: Choice{Serial: "A", Second: "B"}},
		"name both halves":             {Boot: Choice{Second: "B"}, Mirror: true},
		`is both boot.serial and boot`: {Boot: Choice{Serial: "A", Second: "a"}, Mirror: true},
		"boot.serial and data[0]":      {Boot: Choice{Serial: "A"}, Data: []Volume{{Serial: "a", Filesystem: Ext4, Label: "x"}}},
		"there twice":                  {Data: []Volume{volume, volume}},
		`file system "ntfs"`:           {Data: []Volume{{Filesystem: "ntfs", Label: "x"}}},
		`label "a b"`:                  {Data: []Volume{{Filesystem: XFS, Label: "a b"}}},
		`label "-f"`:                   {Data: []Volume{{Filesystem: XFS, Label: "-f"}}},
	} {
		require.ErrorContains(t, layout.Validate(), words)
	}
}

func TestALayoutSurvivesJSON(t *testing.T) {
	t.Parallel()
	layout := Layout{Boot: Choice{Serial: "A"}, Mirror: true, Data: []Volume{{Filesystem: XFS, Label: "d"}}}
	text, err := json.Marshal(layout)
	require.NoError(t, err)
	require.JSONEq(t, `{"boot":{"serial":"A"},"mirror":true,"data":[{"filesystem":"xfs","label":"d"}]}`, string(text))
	var again Layout
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, layout, again)
}

func TestALayoutIsReadStrictly(t *testing.T) {
	t.Parallel()
	l, err := ParseLayout([]byte(`{"boot":{"serial":"A"},"mirror":true,"data":[{"filesystem":"xfs","label":"d"}]}`))
	require.NoError(t, err)
	require.Equal(t, Layout{Boot: Choice{Serial: "A"}, Mirror: true, Data: []Volume{{Filesystem: XFS, Label: "d"}}}, l)
	for raw, why := range map[string]string{
		`{"data":[{"filesystem":"xfs","label":"d","mount":"/"}]}`: `unknown field "mount"`, // nobody would mount it
		`{"mirrored":true}`:                           `unknown field "mirrored"`,
		`{"mirror":"yes"}`:                            "mirror",
		`{"data":[{"filesystem":"zfs","label":"d"}]}`: `file system "zfs"`,
		`[]`: "layout",
	} {
		require.ErrorContains(t, CheckLayout([]byte(raw)), why, raw)
	}
}

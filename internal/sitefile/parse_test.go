package sitefile

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var stored = map[string]bool{"switch": true, "bmc": true}

func good(t testing.TB) string {
	text, err := os.ReadFile("testdata/good.yaml")
	require.NoError(t, err)
	return string(text)
}

func TestAGoodFileBecomesNouns(t *testing.T) {
	t.Parallel()
	s, err := Parse([]byte(good(t)), "lab1.yaml", stored)
	require.NoError(t, err)
	require.Equal(t, metal.SiteID("lab1"), s.ID)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("127.64.0.67")}, s.Boot)
	require.Equal(t, Block{Prefix: netip.MustParsePrefix("2001:db8:64::/56"), Role: metal.Public}, s.Blocks[3])
	require.Equal(t, Plan{ID: "c1.small", Description: "Small, and cheap", Cores: 8, MemoryGiB: 32, DisksGB: []int{480, 960},
		Limits: metal.Limits{Boot: 20 * time.Minute, Install: 30 * time.Minute, PhoneHome: 15 * time.Minute}}, s.Plans[0])
	require.Equal(t, int64(65536), s.OperatingSystems[0].Image.Size)
	require.Equal(t, "12", s.OperatingSystems[0].Version)
	require.Equal(t, metal.SwitchID("tor-r1"), s.Switches[0].ID)

	require.Equal(t, metal.Machine{
		ID: "m2", Site: "lab1", Rack: "r1", Plan: "c1.small", Firmware: metal.BIOS,
		BMC:  metal.BMC{Machine: "m2", Address: "127.64.2.2", Protocol: metal.IPMI, Credential: "bmc", CipherSuite: "3"},
		Port: metal.Port{Switch: "tor-r1", Name: "ae2"},
	}, s.Machines[1].Machine)
	require.True(t, s.Machines[0].Kexec)
	require.Equal(t, "02:40:00:00:00:02", s.Machines[1].NICs[0].MAC)
	require.Equal(t, []Disk{{"S1", 480}}, s.Machines[0].Disks)
}

func TestAPlanMaySetItsLimits(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good(t), "disks_gb: [480, 960]",
		"disks_gb: [480, 960], boot_limit: 35m, install_limit: 1h30m, phone_home_limit: 90s, warm: 3", 1)
	s, err := Parse([]byte(text), "lab1.yaml", stored)
	require.NoError(t, err)
	require.Equal(t, metal.Limits{Boot: 35 * time.Minute, Install: 90 * time.Minute, PhoneHome: 90 * time.Second}, s.Plans[0].Limits)
	require.Equal(t, 3, s.Plans[0].Warm)
	var page strings.Builder
	require.NoError(t, Write(&page, s))
	again, err := Parse([]byte(page.String()), "written.yaml", stored)
	require.NoError(t, err, page.String())
	require.Equal(t, s, again)
}

func TestAWrittenSiteReadsBackEqual(t *testing.T) {
	t.Parallel()
	s, err := Parse([]byte(good(t)), "lab1.yaml", stored)
	require.NoError(t, err)
	var page strings.Builder
	require.NoError(t, Write(&page, s))
	again, err := Parse([]byte(page.String()), "written.yaml", stored)
	require.NoError(t, err, page.String())
	require.Equal(t, s, again)
}

func TestAFileNamesAggregatesAndBlocksOfEveryRole(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good(t), "blocks:\n", `aggregates:
  - {prefix: 185.1.0.0/22, registry: ripe, status: ALLOCATED PA, given: 2019-05-02, note: "bought: dear"}
  - {prefix: 192.0.2.0/24, registry: rfc5737}
blocks:
  - {prefix: 185.1.0.0/24, role: public, projects: [acme, other]}
  - {prefix: 185.1.1.1/32, role: loopback}
  - {prefix: 192.0.2.0/24, role: anycast}
  - {prefix: 172.16.0.0/24, role: management}
  - {prefix: "fd00:1::/64", role: link}
`, 1)
	s, err := Parse([]byte(text), "lab1.yaml", stored)
	require.NoError(t, err)
	require.Equal(t, metal.Aggregate{Prefix: netip.MustParsePrefix("185.1.0.0/22"), Registry: "ripe", Status: "ALLOCATED PA",
		Given: time.Date(2019, 5, 2, 0, 0, 0, 0, time.UTC), Note: "bought: dear"}, s.Aggregates[0])
	require.Equal(t, Block{Prefix: netip.MustParsePrefix("185.1.0.0/24"), Role: metal.Public, Projects: []metal.ProjectID{"acme", "other"}}, s.Blocks[0])
	require.Equal(t, metal.Connect, s.Blocks[4].Role)
	var page strings.Builder
	require.NoError(t, Write(&page, s))
	again, err := Parse([]byte(page.String()), "written.yaml", stored)
	require.NoError(t, err, page.String())
	require.Equal(t, s, again)
}

func TestEveryMistakeIsReportedWithItsLineAndRemedy(t *testing.T) {
	t.Parallel()
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := good(t)
			require.Contains(t, text, c.old)
			_, err := Parse([]byte(strings.Replace(text, c.old, c.new, 1)), "lab1.yaml", stored)
			require.EqualError(t, err, "lab1.yaml:"+strings.ReplaceAll(c.want, "\n", "\nlab1.yaml:"))
		})
	}
}

func TestAllMistakesOfAFileAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("metro: lab\n", "metro: LAB\n", "cores: 8", "cores: none", "firmware: bios", "firmware: coreboot").
		Replace(good(t))
	_, err := Parse([]byte(text), "lab1.yaml", stored)
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 3)
	require.Equal(t, []int{2, 10, 37}, []int{problems[0].Line, problems[1].Line, problems[2].Line})
}

func TestCredentialsAreNotCheckedWhereNobodyKnowsThem(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(good(t)), "lab1.yaml", nil)
	require.NoError(t, err)
	_, err = Parse([]byte(good(t)), "lab1.yaml", map[string]bool{})
	require.ErrorContains(t, err, `no credential is called "switch"`)
}

func TestWhatIsNoSiteFileIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                    `x:1: the file is empty; start it with "site: NAME"`,
		"# nothing\n":         `x:1: the file is empty; start it with "site: NAME"`,
		"- a\n":               `x:1: the site file is a list; write a table of keys and values`,
		"site: [a\nmetro: b":  `x:1: not YAML: did not find expected ',' or ']'`,
		"a: 1\n---\nb: 2\n":   `x:2: a second document begins here; one file describes one site`,
		"a: 1\n---\nb: [2\n":  `not YAML`,
		"? {a: b}\n: c\n":     `x:1: a key of the site file is not a word; write a plain name`,
		"site: \xff\xfe lab1": `not YAML`,
	} {
		_, err := Parse([]byte(text), "x", nil)
		require.ErrorContains(t, err, want, "%q", text)
	}
}

// FuzzParse holds that no bytes make Parse panic, and that whatever it accepts
// survives being written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good(f)))
	for _, c := range mistakes {
		f.Add([]byte(strings.Replace(good(f), c.old, c.new, 1)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text, "fuzz", nil)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		var page strings.Builder
		require.NoError(t, Write(&page, s))
		again, err := Parse([]byte(page.String()), "written", nil)
		require.NoError(t, err, page.String())
		require.Equal(t, s, again)
	})
}

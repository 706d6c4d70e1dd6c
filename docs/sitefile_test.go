package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/sitefile"
)

func TestTheSiteFileThatIsShownIsOne(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, "site-file.md"))
	require.NotEmpty(t, shown)
	_, err := sitefile.Parse([]byte(shown[1]), "site-file.md", nil)
	require.NoError(t, err)
}

// strange has a key that nobody knows in each thing of a site file: what is
// reported names those that are known.
const strange = `
zz: 1
boot: {zz: 1}
bgp: {zz: 1}
zones: [{zz: 1}]
aggregates: [{zz: 1}]
blocks: [{zz: 1}]
plans: {p: {zz: 1, burn_in: {zz: 1}}}
operating_systems: {o: {zz: 1}}
switches: {s: {zz: 1}}
machines: {m: {zz: 1, bmc: {zz: 1, second: {zz: 1}}, nics: [{zz: 1}], disks: [{zz: 1}]}}
`

func TestEveryKeyOfASiteFileIsExplained(t *testing.T) {
	t.Parallel()
	page := read(t, "site-file.md")
	_, err := sitefile.Parse([]byte(strange), "x", nil)
	known := regexp.MustCompile(`(?m)unknown key "zz" in .*; known: (.*)$`).FindAllStringSubmatch(err.Error(), -1)
	require.Len(t, known, strings.Count(strange, "zz"))
	for _, thing := range known {
		for _, key := range strings.Split(thing[1], ", ") {
			require.Contains(t, page, "`"+key+"`")
		}
	}
}

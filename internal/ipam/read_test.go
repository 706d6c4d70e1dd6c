package ipam

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func read(t testing.TB, text string) Plan {
	t.Helper()
	plan, err := Read(strings.NewReader(text), "space.csv", NetBox{})
	require.NoError(t, err)
	return plan
}

// refused are the lines of an error of Read.
func refused(t testing.TB, text string, netbox NetBox) string {
	t.Helper()
	plan, err := Read(strings.NewReader(text), "f", netbox)
	require.Error(t, err)
	require.Equal(t, Plan{}, plan, "a plan in spite of problems")
	return err.Error()
}

const good = `kind,prefix,site,role,purpose,project,projects,holder,ask,registry,status,since,until,note
aggregate,198.51.100.0/24,,,,,,,,ripe,ALLOCATED PA,2025-11-22,,"ours, since a year"
block,198.51.100.0/25,lab1,public,,,acme globex,,,,,,,
block,198.51.100.16/28,lab1,public,,acme,,,,,,,,
lease,198.51.100.0/31,lab1,public,,acme,,web 1,,,,2026-11-22T12:00:00Z,,
lease,198.51.100.2/32,,,,acme,,,,,,,,
lease,198.51.100.3/32,,,,,,device/d1,public4,,,,,
quarantine,198.51.100.4/31,,,,,,,,,,2026-11-22,2026-11-23,
`

func TestOurOwnColumnsAreRead(t *testing.T) {
	t.Parallel()
	plan := read(t, good)
	require.Len(t, plan.Aggregates, 1)
	require.Equal(t, "ours, since a year", plan.Aggregates[0].Thing.Note)
	require.Equal(t, Source{"space.csv", 2}, plan.Aggregates[0].At)
	require.Equal(t, metal.Pool, plan.Blocks[0].Thing.Purpose)
	require.Equal(t, []metal.ProjectID{"acme", "globex"}, plan.Blocks[0].Thing.Projects)
	require.Equal(t, metal.Reservation, plan.Blocks[1].Thing.Purpose)
	held := []string{}
	for _, l := range plan.Leases {
		held = append(held, fmt.Sprintf("%s %s %s %s", l.Thing.State, l.Thing.Prefix, l.Thing.Holder, l.Thing.Ask))
	}
	require.Equal(t, []string{"held 198.51.100.0/31 imported/web 1 198.51.100.0/31", "held 198.51.100.2/32 project/acme 198.51.100.2/32",
		"held 198.51.100.3/32 device/d1 public4", "quarantined 198.51.100.4/31  "}, held)
}

func TestWhatSpreadsheetsMakeOfAFileIsRead(t *testing.T) {
	t.Parallel()
	want := read(t, good)
	semicolons := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(good, "ours, since", "ours; since"), ",", ";"), "ours; since", "ours, since")
	for name, text := range map[string]string{
		"byte order mark": "\ufeff" + good,
		"CRLF":            strings.ReplaceAll(good, "\n", "\r\n"),
		"semicolons":      semicolons,
		"tabs":            strings.ReplaceAll(semicolons, ";", "\t"),
		"heading case":    strings.Replace(good, "kind,prefix", "Kind,\"Prefix \"", 1),
		"empty rows":      good + "\n,,,,,,,,,,,,,\n\n",
		"all of it":       "\ufeff" + strings.ReplaceAll(semicolons, "\n", "\r\n"),
	} {
		require.Equal(t, want, read(t, text), name)
	}
}

func TestEveryMistakeIsNamedAtOnceWithItsLine(t *testing.T) {
	t.Parallel()
	got := refused(t, `kind,prefix,site,role,purpose,project,holder,registry,since,note
aggregate,198.51.100.1/24,,,,,,ripe,,
block,198.51.100.0/25,lab1,secret,,,,,,
blok,198.51.100.0/25,lab1,public,,,,,,
block,198.51.100.0/25,Lab 1,public,,,,,,
block,,lab1,public,,,,,,
block,198.51.100.0/25,lab1,,,,,,,
block,198.51.100.0/25,lab1,public,pool,acme,,,,
lease,198.51.100.0/31,,,,,,,,
lease,198.51.100.0/31,,,,,web1,ripe,,
lease,198.51.100.0/31,,,,,web1,,yesterday,
lease,198.51.100.0/31,,,,,web1
lease,198.51.100.0/31,,,,,web1,,,,too,many
lease,198.51.100.0/31,,,,,"web`+"\x1b"+`[2J",,,
aggregate,10.0.0.0/8,,,,,,RFC 1918,,
lease,198.51.100.9,,,,,web1,,,
`, NetBox{})
	require.Equal(t, []string{
		"f:2: 198.51.100.1/24: not a usable prefix: it has host bits; write 198.51.100.0/24 for the network, or 198.51.100.1/32 for the address",
		`f:3: role is "secret"; write one of public, private, install, management, loopback, link, anycast`,
		`f:4: kind is "blok"; write aggregate, block, lease or quarantine`,
		`f:5: site "Lab 1" is not a name; use up to 63 lower-case letters, digits, dots, dashes and underscores`,
		"f:6: prefix is empty; write one like 198.51.100.0/24",
		"f:7: block 198.51.100.0/25 has no role; write one of public, private, install, management, loopback, link, anycast",
		"f:8: block 198.51.100.0/25: not allowed: a pool is no project's; write own or reservation, or leave acme out",
		"f:9: the lease has no holder; say who uses it, or whose project it is",
		"f:10: registry says nothing about a lease; leave it empty",
		`f:11: since is "yesterday"; write a date like 2026-11-22, or a time like 2026-11-22T09:30:00Z`,
		"f:12: 7 fields under 10 columns; is the line cut off?",
		`f:13: 12 fields under 10 columns; is a "," unquoted?`,
		"f:14: holder contains a control character; remove it",
		`f:15: registry "RFC 1918" is not a name; use lower-case letters, digits and dashes`,
		"f:16: 198.51.100.9: not a usable prefix: it has no length; write 198.51.100.9/32 for the one address",
	}, strings.Split(got, "\n"))
}

func TestFilesThatAreNoneOfOursAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "f:1: the file is empty",
		" \n\n":                       "f:1: the file is empty",
		"\xff\xfek\x00i\x00":          "f:1: the file is UTF-16; save it as UTF-8",
		"name,colour\na,b\n":          "f:1: the columns are neither ours",
		"kind\naggregate\n":           `f:1: no column "prefix"; add it`,
		"kind,prefix,prefix,colour\n": "f:1: column \"prefix\" stands twice; remove one\nf:1: unknown column \"colour\"; known: kind, prefix",
		"kind,prefix\naggregate,\"10.0.0.0/8\naggregate,x\n":                                  `f:3: extraneous or missing " in quoted-field; write a quote within quotes twice. What follows was not read`,
		"kind,prefix,note\naggregate,10.0.0.0/8,caf\xe9\naggregate,11.0.0.0/8,\nblock,x,\xff": "f:2: not UTF-8; save the file as UTF-8\nf:4: not UTF-8",
		"{}":                  `f:1: not JSON as NetBox writes it: no "results". What follows was not read`,
		"[\n{\"prefix\":\n}]": "f:2: not JSON as NetBox writes it: ",
		"[{}]":                "f:1: neither an aggregate, nor a prefix, nor an IP address of NetBox",
		`{"next": "http://netbox/?page=2&token=x", "results": []}`: `f:1: the list goes on: there is a "next" page; fetch it whole, with ?limit=0`,
	} {
		got := refused(t, text, NetBox{})
		require.True(t, strings.HasPrefix(got, want), "%q\ngot  %s\nwant %s", text, got, want)
		require.NotContains(t, got, "token")
	}
}

func TestALargeFileIsNotReadWhole(t *testing.T) {
	t.Parallel()
	endless := strings.NewReader("")
	_, err := Read(readers{endless}, "f", NetBox{})
	require.EqualError(t, err, "f:1: the file is larger than 128 MiB; split it")
	_, err = Read(iotest.ErrReader(os.ErrPermission), "f", NetBox{})
	require.ErrorIs(t, err, os.ErrPermission)
}

// readers is a file without an end.
type readers struct{ *strings.Reader }

func (readers) Read(p []byte) (int, error) { return len(p), nil }

func TestAMillionMistakesAreAThousandLines(t *testing.T) {
	t.Parallel()
	got := refused(t, "kind,prefix\n"+strings.Repeat("aggregate,x\n", 20000), NetBox{})
	require.Equal(t, 1001, strings.Count(got, "\n")+1)
	require.Contains(t, got, "and more: only the first 1000 problems are listed")
}

func TestProblemsSayTheirKind(t *testing.T) {
	t.Parallel()
	_, err := Read(strings.NewReader("kind,prefix\naggregate,10.0.0.1/8\n"), "f", NetBox{})
	require.ErrorIs(t, err, metal.ErrInvalidPrefix)
	require.False(t, errors.Is(err, metal.ErrInUse))
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("\ufeff" + strings.ReplaceAll(good, "\n", "\r\n")))
	for _, name := range []string{"aggregates.csv", "prefixes.csv", "ip-addresses.csv", "prefixes.json", "ip-addresses.json"} {
		text, err := os.ReadFile("testdata/netbox/" + name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		plan, err := Read(bytes.NewReader(text), "f", NetBox{Site: "lab1", Role: metal.Public})
		var problems Problems
		if err != nil {
			require.ErrorAs(t, err, &problems)
			lines := bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) + 1
			for _, p := range problems {
				require.True(t, p.At.Line >= 1 && p.At.Line <= lines, "line %d of %d: %s", p.At.Line, lines, p.Text)
				require.NotContains(t, p.String(), "\x1b", "an escape that a terminal would obey")
				require.LessOrEqual(t, len(p.Text), 4*longestText+4)
			}
			return
		}
		added, err := plan.Against(Snapshot{})
		if err != nil {
			return
		}
		var out bytes.Buffer
		require.NoError(t, ExportCSV(&out, added.AddTo(Snapshot{})))
		again, err := Read(&out, "f", NetBox{})
		require.NoError(t, err)
		left, err := again.Against(added.AddTo(Snapshot{}))
		require.NoError(t, err)
		require.True(t, left.Empty(), "what was exported is not what is there: %+v", left)
	})
}

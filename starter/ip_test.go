package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ip runs one command that must succeed, and gives what it prints.
func (r *rig) ip(args ...string) string {
	r.t.Helper()
	code, out, errs := r.cli(append([]string{"ip"}, args...)...)
	require.Equal(r.t, exitDone, code, "%s: %s", args, errs)
	return out
}

// registered is a rig with an aggregate of a registry's and a pool cut from it.
func registered(t *testing.T) *rig {
	r := setup(t)
	r.ip("aggregate", "add", "185.1.0.0/22", "--registry", "ripe", "--status", "ALLOCATED PA", "--given", "2019-05-02")
	require.Equal(t, "block 185.1.0.0/24 was cut from 185.1.0.0/22\n",
		r.ip("block", "cut", "185.1.0.0/22", "--size", "/24", "--site", "lab1", "--role", "public"))
	return r
}

const someID = "00000000-0000-0000-0000-000000000001"

func TestOperatorsSeeAndShapeSpaceFromTheCommandLine(t *testing.T) {
	t.Parallel()
	r := registered(t)
	require.Regexp(t, `(?m)^185\.1\.0\.0/22 +ripe +ALLOCATED PA +2019-05-02 +false +-$`, r.ip("aggregate", "list"))
	r.ip("block", "add", "192.0.2.0/24", "--role", "anycast", "--note", "for every site")
	r.ip("allow", "192.0.2.0/24", "acme", "other")
	r.ip("allow", "192.0.2.0/24", "other", "--not")
	require.Regexp(t, `(?m)^192\.0\.2\.0/24 +- +anycast +pool +- +0\.0% +192\.0\.2\.0/24 +192\.0\.2\.0/24 +acme +for every site$`, r.ip("block", "list", "--pools"))
	r.ip("block", "add", "10.64.7.0/24", "--site", "lab1", "--role", "private", "--project", "acme")
	require.Regexp(t, `(?m)^10\.64\.7\.0/24 +lab1 +private +own +acme `, r.ip("block", "list", "--project", "acme"))
	r.ip("block", "note", "10.64.7.0/24", "their old office")
	r.ip("block", "remove", "10.64.7.0/24")
	r.ip("rule", "set", "loopback", "--rest", "1m")
	require.Regexp(t, `(?m)^loopback +1m0s$`, r.ip("rule", "list"))
	r.ip("block", "role", "185.1.0.0/24", "loopback")
	r.ip("block", "remove", "185.1.0.0/24")
	r.ip("aggregate", "remove", "185.1.0.0/22")
	require.NotContains(t, r.ip("aggregate", "list"), "185.1.0.0/22")
}

func TestLeasesAndReservationsAreTakenAndGivenBackFromTheCommandLine(t *testing.T) {
	t.Parallel()
	r := registered(t)
	require.Equal(t, "185.1.0.7/32 is imported/www's\n", r.ip("take", "185.1.0.7/32", "--for", "imported/www"))
	require.Equal(t, "185.1.0.8/29 is project/acme's\n", r.ip("take", "--size", "/29", "--from", "185.1.0.0/24", "--for", "project/acme", "--as", "vpn"))
	require.Contains(t, r.ip("give-back", "185.1.0.7/32"), "rests")
	require.Contains(t, r.ip("give-back", "185.1.0.7/32"), "nobody holds")
	who := r.ip("who", "185.1.0.7")
	require.Regexp(t, `(?m)^state +quarantined$`, who)
	require.Regexp(t, `(?m)^before +imported/www$`, who)
	require.Equal(t, "FREED\n185.1.0.7/32\n", r.ip("free", "185.1.0.7/32"))
	require.Contains(t, r.ip("history", "185.1.0.7"), "imported/www")

	r.ip("quota", "set", "acme", "reserved-ipv4", "--most", "24")
	small := r.ip("reserve", "--project", "acme", "--site", "lab1", "--prefix", "185.1.0.0/30", "--id", someID)
	require.Equal(t, "reservation "+someID+": 185.1.0.0/30 is project acme's\n", small)
	large := strings.Replace(someID, "1", "2", 1)
	require.Contains(t, r.ip("reserve", "/28", "--project", "acme", "--site", "lab1", "--id", large, "--note", "mail"), "waits for an operator: starter ip approve "+large)
	require.Regexp(t, large+` +acme +lab1 +4 +/28 +- +pending +2.*mail`, r.ip("reservations", "--state", "pending"))
	require.Contains(t, r.ip("approve", large), "185.1.0.16/28 is project acme's")
	require.Regexp(t, `(?m)^acme +reserved-ipv4 +24 +20$`, r.ip("quota", "show", "acme"))
	held := r.ip("held", "--project", "acme")
	require.Regexp(t, `(?m)^185\.1\.0\.16/28 +block, reservation +lab1 +public +- .*`+large+`$`, held)
	require.Regexp(t, `(?m)^185\.1\.0\.8/29 +lease +lab1 +public +project/acme +vpn `, held)
	var released map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.ip("release", large, "-o", "json")), &released))
	require.Equal(t, "released", released["state"])
	third := strings.Replace(someID, "1", "3", 1)
	r.ip("reserve", "/27", "--project", "other", "--site", "lab1", "--id", third)
	require.Contains(t, r.ip("deny", third, "--reason", "no need"), "is denied")
	r.ip("quota", "set", "acme", "reserved-ipv4", "--no-limit")
	require.NotContains(t, r.ip("quota", "show"), "acme")
}

func TestUseIsPrintedForPeopleSpreadsheetsAndPrograms(t *testing.T) {
	t.Parallel()
	r := registered(t)
	r.ip("take", "185.1.0.0/26", "--for", "project/acme")
	for by, line := range map[string]string{
		"aggregate": `185\.1\.0\.0/22 +1024 +64 +0 +960 +6\.2% +185\.1\.2\.0/23 +\+9\.14 +~105`, "block": `185\.1\.0\.0/24 +256 +64 +0 +192 +25\.0% +185\.1\.0\.128/25`,
		"role": `public +512 +64`, "site": `lab1 +98816`, "project": `acme +64 +64`,
	} {
		require.Regexp(t, `(?m)^`+line, r.ip("use", "--by", by))
	}
	require.Contains(t, r.ip("use", "--csv"), "block,185.1.0.0/24,4,addresses,256,64,0,192,0.25,185.1.0.128/25,")
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.ip("use", "--by", "project", "-o", "json")), &rows))
	require.Equal(t, "acme", rows[0]["of"])
	var who map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.ip("who", "185.1.0.1", "-o", "json")), &who))
	require.Equal(t, "project/acme", who["holder"])
	require.Equal(t, "acme", who["project"])
	require.Regexp(t, `(?m)^state +free$`, r.ip("who", "185.1.0.1", "--at", "2020-01-01"))
}

func TestAMapIsDrawnForATerminalOrIntoAFile(t *testing.T) {
	t.Parallel()
	r := registered(t)
	r.ip("take", "185.1.0.8/29", "--for", "project/acme")
	drawn := r.ip("map", "185.1.0.0/24", "--width", "80")
	require.Contains(t, drawn, "185.1.0.0/24 · public, lab1\n")
	require.Regexp(t, `(?m)^ +\.0  · · · · · · · · ■ ■ ■ ■ ■ ■ ■ ■$`, drawn)
	require.NotContains(t, drawn, "\x1b", "what is no terminal gets no colours")
	file := filepath.Join(t.TempDir(), "map.svg")
	require.Empty(t, r.ip("map", "185.1.0.0/24", "--svg", file))
	svg, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(svg), "<svg"))
	require.Contains(t, string(svg), "185.1.0.8/29")
}

func TestRegistriesGetWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	r := registered(t)
	r.ip("reserve", "--project", "acme", "--site", "lab1", "--prefix", "185.1.0.8/29")
	require.Contains(t, r.ip("report", "--registry", "ripe"), "185.1.0.8/29,185.1.0.8,185.1.0.15,8,addresses,ACME-LAB1,acme,lab1,public,")
	require.Regexp(t, `inetnum: +185\.1\.0\.8 - 185\.1\.0\.15\n.*\n.*\ncountry: +DE\n`, r.ip("report", "--form", "ripe", "--country", "lab1=DE"))
	require.Regexp(t, `(?m)^185\.1\.0\.0/22 +2019-05-02 +1024 +8 `, r.ip("report", "--form", "arin"))
}

func TestSpaceIsImportedAndExportedAgain(t *testing.T) {
	t.Parallel()
	r := registered(t)
	file := filepath.Join(t.TempDir(), "in.csv")
	writeFile(t, file, "kind,prefix,holder,note\nlease,185.1.0.100/32,www,hello\nlease,185.1.0.101/32,project/acme,\n")
	dry := r.ip("import", file, "--dry-run")
	require.Regexp(t, `(?m)^lease +185\.1\.0\.100/32 +imported/www +in\.csv +2$`, dry)
	require.Contains(t, dry, "leases 2, quarantines 0: would be imported; nothing was changed\n")
	require.NotContains(t, r.ip("export"), "185.1.0.100")
	require.Equal(t, "aggregates 0, blocks 0, leases 2, quarantines 0: imported\n", r.ip("import", file))
	require.Equal(t, "aggregates 0, blocks 0, leases 0, quarantines 0: imported\n", r.ip("import", file))
	export := r.ip("export", "185.1.0.0/22")
	require.Contains(t, export, "lease,185.1.0.100/32,lab1,public,,,,imported/www,185.1.0.100/32,,,")
	require.NotContains(t, export, "10.64.0.0/16")
	require.Contains(t, r.ip("export", "--form", "netbox-csv", "--list", "ip-addresses"), "185.1.0.100/32")
	require.Contains(t, r.ip("export", "--form", "netbox-json", "--list", "aggregates"), `"185.1.0.0/22"`)

	writeFile(t, file, "kind,prefix,holder\nlease,185.1.0.100/32,other\nlease,185.1.0.1/24,x\n")
	code, out, errs := r.cli("ip", "import", file)
	require.Equal(t, exitNot, code)
	require.Empty(t, out)
	require.Contains(t, errs, "in.csv:3: 185.1.0.1/24: not a usable prefix")
	writeFile(t, file, "kind,prefix,holder\nlease,185.1.0.100/32,other\n")
	code, _, errs = r.cli("ip", "import", file)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "in.csv:2: lease 185.1.0.100/32")
	require.Contains(t, errs, "starter: problems: 1; nothing was imported\n")
}

func TestSpaceThatCannotBeHadSaysSoAndUsedWronglyExitsTwo(t *testing.T) {
	t.Parallel()
	r := registered(t)
	r.ip("take", "185.1.0.8/29", "--for", "imported/www")
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"take 185.1.0.8/32 --for imported/x":                      {exitNot, "185.1.0.8/29 is in use by imported/www; give it back first"},
		"free 185.1.0.8/29":                                       {exitNot, "is held by imported/www"},
		"block remove 185.1.0.0/24":                               {exitNot, "185.1.0.8/29 is held by imported/www"},
		"who 9.9.9.9":                                             {exitNot, "no aggregate has it; it is not ours"},
		"approve " + someID:                                       {exitNot, "no such reservation; see starter ip reservations"},
		"take 185.1.0.9/24 --for imported/x":                      {exitUsage, "it has host bits; write 185.1.0.0/24 for the network"},
		"take --size /29 --from 185.1.0.0/24 --for project/a":     {exitUsage, "say with --as which"},
		"take --for project/a":                                    {exitUsage, "say which prefix, or --size"},
		"take --size /29 --for project/a --as b":                  {exitUsage, "--from BLOCK, or --site and --role"},
		"take --size /129 --for project/a --as b":                 {exitUsage, "lengths in ::/0 end at /128"},
		"reserve --project a --site lab1":                         {exitUsage, "say how large, or which prefix"},
		"reserve /29 --project a --site lab1 --prefix 1.2.3.0/30": {exitUsage, "leave one out"},
		"reserve /29 --project a":                                 {exitUsage, "--site=SITE-ID or --anycast"},
		"held":                                                    {exitUsage, "say whose"},
		"history":                                                 {exitUsage, "say whose"},
		"history 9.9.9.9 --limit 0":                               {exitUsage, "want 1 or more"},
		"quota set acme public-ipv4 --most=-1":                    {exitUsage, "want 0 or more, or --no-limit"},
		"use --csv -o json":                                       {exitUsage, "contradict each other"},
		"use --by colour":                                         {exitUsage, "--by must be one of"},
		"map 185.1.0.0/24 -o json":                                {exitUsage, "a map is a picture"},
		"who 185.1.0.8 --at yesterday":                            {exitUsage, "is no moment"},
	} {
		code, out, errs := r.cli(append([]string{"ip"}, strings.Fields(args)...)...)
		require.Equal(t, want.code, code, "%s: %s", args, errs)
		require.Contains(t, errs, want.says, args)
		require.Empty(t, out, args)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
}

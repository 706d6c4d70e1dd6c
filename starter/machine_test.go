package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// ailing is m2 with everything that can be the matter: in quarantine after a
// run, with two issues, a reading, a log and a BMC that rests.
func (r *rig) ailing() {
	r.t.Helper()
	r.exec(`update machines set state = 'quarantined', reason = 'missing-memory: 32 GiB' || chr(27) || ' of 64', aside_run = 'machine/m2', aside_boot = 7,
			serial = 'CZ1', changed_at = '2026-01-02T03:04:05Z' where id = 'm2';
		update plans set fitness = '{"baseline": {"bios": "2.1", "bmc": "7.0", "nic": "1"}}';
		insert into burn_ins (machine, boot, body) values ('m2', 6, '[{"test":"disk","part":"S2","passed":false,"detail":"slow","seconds":61.4}]');
		insert into bmc_records (machine, protocol, score, failures, last_error, rests_until, gap) values
			('m2', 'redfish', 0.4, 6, 'no route to host', now() + interval '1 hour', '500 ms')`)
	fan, low, watts := 0.0, 500.0, 214.4
	require.NoError(r.t, r.store.KeepReading(r.t.Context(), metal.Reading{
		Machine: "m2", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Power: metal.On, Watts: &watts,
		Sensors:  []metal.Sensor{{Name: "Fan 1", Kind: metal.Fan, Unit: "RPM", Value: &fan, State: "critical", LowCritical: &low}},
		Parts:    []metal.Part{{Kind: "psu", Name: "PSU 2", Health: "absent"}},
		Firmware: []metal.FirmwareVersion{{Component: "bios", Version: "2.0"}, {Component: "bmc", Version: "7.0"}},
		Log:      []metal.LogEntry{{ID: "1", Severity: metal.Failing, Sensor: "Fan 1", Message: "lower critical going low"}},
	}))
	_, err := r.store.RecordFindings(r.t.Context(), metal.Found{Machine: "m2", Look: metal.LookCompare, Findings: []metal.Finding{
		{Kind: metal.MissingMemory, Detail: "32 GiB are there, and the plan says 64", Severity: metal.Failing},
		{Kind: metal.WornDisk, Part: "S2", Detail: "101% used", Severity: metal.Degraded},
	}})
	require.NoError(r.t, err)
}

// tells runs a command that goes well, and wants all of this in its output.
func (r *rig) tells(args string, want ...string) string {
	r.t.Helper()
	code, out, errs := r.cli(strings.Fields(args)...)
	require.Equal(r.t, exitDone, code, errs)
	for _, w := range want {
		require.Regexp(r.t, w, out)
	}
	require.NotContains(r.t, out, "\x1b", "a terminal would obey it")
	return out
}

func TestMachinesAreListedWithHowTheyAre(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.ailing()
	r.tells("machine list", `(?m)^m1 +lab1 +r1 +1 +c1.small +idle +unknown +0 +- +- +20`,
		`(?m)^m2 +lab1 +r1 +2 +c1.small +quarantined +failing +2 +on +214 +2026-01-02 03:04 +- +missing-memory: 32 GiB\x{fffd} of 64$`)
	require.NotContains(t, r.tells("machine list --state quarantined"), "m1")
	require.NotContains(t, r.tells("machine list --issues"), "m1")
	require.NotContains(t, r.tells("machine list --health unknown"), "m2")
	require.Equal(t, "[]\n", r.tells("machine list --plan other -o json"))
	var lines []machineLine
	require.NoError(t, json.Unmarshal([]byte(r.tells("machine list -o json")), &lines))
	require.Equal(t, "CZ1", lines[1].Serial)
	require.Equal(t, int32(2), lines[1].Issues)
}

func TestAMachineIsShownWithItsEvidenceAndTheWaysOut(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.ailing()
	r.tells("machine show m2", `place +lab1, rack r1, unit 2, port tor-r1:ae2`, `state +quarantined since 2026-01-02T03:04:05Z`,
		`health +failing, open issues: 2`, `power +on, 214 W at 2026-01-02T03:04:05Z`, `serial +CZ1`, `proven +-`,
		`BMC +127.64.2.2 by redfish; 6 failures in a row: no route to host; rests until 20`,
		`missing-memory, failing: 32 GiB are there, and the plan says 64`, `disk of S2: failed after 1m1s: slow`,
		`starter console m2 --boot 7\n`, `temporal workflow show --workflow-id machine/m2\n`, `starter machine commission m2   proves it again`)
	var shown machineAnswer
	require.NoError(t, json.Unmarshal([]byte(r.tells("machine show m2 -o json")), &shown))
	require.Len(t, shown.Evidence, 3)
	require.Equal(t, int64(6), shown.BurnIn.Boot)
	code, _, errs := r.cli("machine", "show", "m9")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "see starter list machines")

	device := string(r.ordered("o-1"))
	r.tells("machine show m1", `device +`+device, `starter deprovision `+device, `disks +may hold a tenant's data|hold nothing`)
	r.tells("machine power m1", `machine m1: never read\n`, `starter power on, off or reboot `+device)
	code, _, errs = r.cli("machine", "power", "m1", "off")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "starter power off "+device)
}

func TestIssuesAreToldWithCauseAndCure(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Equal(t, "no issue is open\n", r.tells("machine issues"))
	r.ailing()
	out := r.tells("machine issues m2", `m2  issue [0-9]+  missing-memory, failing: 32 GiB`, `cause +a DIMM failed training`, `cure +reseat or replace the DIMM`,
		`it keeps the machine from the pool`)
	require.Less(t, strings.Index(out, "missing-memory"), strings.Index(out, "worn-disk"), "the worst first")
	var lines []issueLine
	require.NoError(t, json.Unmarshal([]byte(r.tells("machine issues -o json")), &lines))
	require.Len(t, lines, 2)
	_, err := r.store.RecordFindings(t.Context(), metal.Found{Machine: "m2", Look: metal.LookCompare})
	require.NoError(t, err)
	require.Equal(t, "no issue is open\n", r.tells("machine issues m2"))
	r.tells("machine issues m2 --closed", `over since 20`)
	code, _, _ := r.cli("machine", "issues", "m9")
	require.Equal(t, exitNot, code, "a name that nobody has")
}

func TestHealthShowsWhatWasReadAgainstItsLimits(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.tells("machine health m1", `last visit +no patrol has been there yet`)
	r.ailing()
	r.tells("machine health m2", `power +on, 214 W`, `Fan 1 +0 +RPM +critical +500 +- +- +-\n`, `psu +PSU 2 +absent`,
		`bios +2.0 +2.1 +otherwise than the baseline`, `bmc +7.0 +7.0 +as it should`, `nic +- +1 +not found`, `failing +Fan 1 +lower critical going low`)
	r.tells("machine sel m2", `failing +Fan 1 +lower critical`)
	r.tells("machine bmc m2", `protocol +redfish; ipmi is declared, and did not answer`, `gap +500ms`, `failed of late +40%`, `credential +bmc\n`)
	_, err := r.store.NoReading(t.Context(), "m2", "i/o timeout")
	require.NoError(t, err)
	r.tells("machine health m2", `no answer: i/o timeout`)
}

func TestAPersonsWordMovesAMachineAndStandsInItsEvents(t *testing.T) {
	t.Parallel()
	r := setup(t)
	says := func(args string, state metal.MachineState, want string) {
		t.Helper()
		r.tells("machine "+args+" --by alice", want)
		m, err := r.store.Queries().GetMachine(t.Context(), "m2")
		require.NoError(t, err)
		require.Equal(t, string(state), m.State)
	}
	says("quarantine m2 --reason smoke", metal.Quarantined, "machine m2 is quarantined; the ways out: starter machine show m2")
	says("maintain m2 --until 3d --reason fans", metal.Maintenance, "is yours until 20")
	says("restore m2 --reason done", metal.Enrolled, "starter machine commission m2")
	says("release m2 --reason looked", metal.Idle, "is idle, and may be claimed")
	says("accept-serial m2 --reason board", metal.Idle, "takes the serial that is found next")
	says("quarantine m2 --reason again", metal.Quarantined, "is quarantined")
	issues, err := r.store.Issues(t.Context(), "m2")
	require.NoError(t, err)
	require.Len(t, issues, 1)
	code, _, errs := r.cli("machine", "close-issue", "m2", "4711", "--reason", "no")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "starter machine issues m2 lists them")
	r.tells("list events --machine m2", `machine m2 was quarantined and is maintenance by alice: fans`)

	for _, args := range []string{"maintain m2 --until 1s3 --reason x", "maintain m2 --until 2020-01-02T15:04:05Z --reason x", "maintain m2 --until -4h --reason x", "quarantine m2"} {
		code, _, errs := r.cli(strings.Fields("machine " + args)...)
		require.Equal(t, exitUsage, code, errs)
	}
	code, _, errs = r.cli("machine", "quarantine", "m2", "--reason", "twice")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "it is quarantined, and cannot become quarantined from there")
}

func TestEveryWayOutThatIsShownIsOpen(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.exec(`alter table machines disable trigger move_machine`)
	for _, state := range []metal.MachineState{metal.Enrolled, metal.Idle, metal.Claimed, metal.Quarantined, metal.Maintenance, metal.Retired} {
		put := func() {
			r.exec(`update issues set closed_at = now();
				update machines set state = '` + string(state) + `', health = 'ok', note = 'alice', until = now() + interval '1 hour',
				run = case when '` + string(state) + `' = 'claimed' then 'machine/m2' else '' end, errand = 'inspect',
				reason = case when '` + string(state) + `' = 'quarantined' then 'hot' else '' end where id = 'm2'`)
		}
		put()
		m, err := r.store.Queries().GetMachine(t.Context(), "m2")
		require.NoError(t, err)
		ways := waysOut(m)
		require.NotEmpty(t, ways, state)
		for _, way := range ways {
			command, _, _ := strings.Cut(way, "   ")
			args, ours := strings.CutPrefix(command, "starter ")
			if !ours {
				continue
			}
			words := strings.Fields(strings.ReplaceAll(args, "WHY", "because"))
			_, err := kong.Must(&commandLine{}).Parse(words)
			require.NoError(t, err, way)
			if words[1] == "commission" || words[1] == "retire" { // runs, whose claim the table of states has
				require.Contains(t, metal.From[metal.Errand(words[1])], state)
				continue
			}
			put()
			code, _, errs := r.cli(words...)
			require.Equal(t, exitDone, code, "%s: %s: %s", state, way, errs)
		}
	}
}

func TestRunsOnMachinesAreRefusedBeforeAnyIsStarted(t *testing.T) {
	t.Parallel()
	r := setup(t)
	device := string(r.ordered("o-1"))
	for want, args := range map[string]string{
		"device " + device + " has it; deprovision the device first": "commission m2 m1",
		"machine m9": "inspect m2 m9",
	} {
		code, _, errs := r.cli(strings.Fields("machine " + args)...)
		require.Equal(t, exitNot, code, errs)
		require.Contains(t, errs, want)
		require.NotContains(t, errs, "Temporal", "it was not asked")
	}
	r.tells("machine commission --all-enrolled", "no machine is enrolled")
	for _, args := range []string{"commission", "commission m2 --all-enrolled", "retire m2",
		"firmware update m2 --component bios --version 1 --url ftp://x/y --sha256 " + strings.Repeat("a", 64),
		"firmware update --site lab1 --component bios --version 1 --url http://x/y --sha256 " + strings.Repeat("a", 64)} {
		code, _, errs := r.cli(strings.Fields("machine " + args)...)
		require.Equal(t, exitUsage, code, "%s: %s", args, errs)
	}
	code, _, errs := r.cli("machine", "commission", "m2")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "is Temporal running")
}

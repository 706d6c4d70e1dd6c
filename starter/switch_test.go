package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// ordered is the device of a provision that was given, and has ended well.
func (r *rig) ordered(id metal.OrderID) metal.DeviceID {
	r.t.Helper()
	order, err := metal.ParseOrder(id, []byte(wish))
	require.NoError(r.t, err)
	_, err = r.store.RecordOrder(r.t.Context(), order)
	require.NoError(r.t, err)
	r.installed(id, order.Device)
	return order.Device
}

// troubled is a switch of which everything that can be wrong is.
func (r *rig) troubled() metal.DeviceID {
	r.t.Helper()
	device := r.ordered("o-1")
	r.exec(`update ports set applied = generation where name = 'xe-0/0/1';
		update ports set refused = generation, refusal = 'ae2: no space in TCAM' || chr(27) where name = 'ae2';
		insert into drifts (switch, port, diff) values ('tor-r1', 'xe-0/0/1', '- description "by hand"' || chr(10) || '+ description "m1"');
		insert into miscablings (switch, port, machine, declared) values ('tor-r1', 'xe-0/0/9', 'm2', 'tor-r1:xe-0/0/2');
		insert into bgp_sessions (device, family, state, received, accepted, seen_at) values ('` + string(device) + `', 4, 'Established', 3, 2, now());
		insert into commits (switch, comment, ports, refused, diff) values
			('tor-r1', 'millwright: m1 tenant for device x', '{xe-0/0/1}', '{}', '+ address 198.51.100.0/31'),
			('tor-r1', 'millwright: m2 parked', '{}', '{"ae2: no space in TCAM"}', '');
		update switches set checked_at = '2026-01-02T03:04:05Z'`)
	return device
}

func TestASwitchIsShownWithWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	r := setup(t)
	device := string(r.troubled())
	code, out, errs := r.cli("switch", "show", "tor-r1")
	require.Equal(t, exitDone, code, errs)
	for _, want := range []string{
		`checked +2026-01-02T03:04:05Z`, `repair +only when told`,
		`xe-0/0/1 +m1 +tenant +` + device + ` +drifting +2 +2 +m1 tenant for device`,
		`ae2 +m2 +parked +- +refused +0 +1 +ae2: no space in TCAM\x{fffd}\n`,
		device + ` +4 +Established +3 +2 +20`,
		`m2 +tor-r1:xe-0/0/9 +tor-r1:xe-0/0/2 +20`,
	} {
		require.Regexp(t, want, out)
	}
	require.NotContains(t, out, "\x1b", "a terminal would obey it")
	code, out, _ = r.cli("switch", "show", "tor-r1", "-o", "json")
	require.Equal(t, exitDone, code)
	var shown switchAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &shown))
	require.Equal(t, []string{"refused", "drifting"}, []string{shown.Ports[0].State, shown.Ports[1].State})
	require.Equal(t, "tor-r1:xe-0/0/9", shown.Miscabled[0].Heard)

	code, out, _ = r.cli("switch", "list")
	require.Equal(t, exitDone, code)
	require.Regexp(t, `tor-r1 +lab1 +r1 +127\.64\.1\.1:8300 +junos +1 +1 +1 +1 +false +2026-01-02T03:04:05Z`, out)
}

func TestDriftAndHistoryAreReadWithTheirDiffs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, out, _ := r.cli("switch", "drift")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, "found no port that drifts")
	r.troubled()
	for _, args := range [][]string{{"switch", "drift"}, {"switch", "drift", "tor-r1"}} {
		code, out, _ = r.cli(args...)
		require.Equal(t, exitDone, code)
		require.Regexp(t, `port tor-r1:xe-0/0/1 of machine m1 drifts since 20`, out)
		require.Contains(t, out, "- description \"by hand\"\n+ description \"m1\"\n")
	}
	_, out, _ = r.cli("switch", "history", "tor-r1")
	require.Regexp(t, `(?s)2 .* ae2: no space in TCAM +millwright: m2 parked\n1 .* xe-0/0/1 +- +millwright: m1 tenant for device x\n`, out)
	require.NotContains(t, out, "198.51.100")
	_, out, _ = r.cli("switch", "history", "tor-r1", "--diff")
	require.Contains(t, out, "millwright: m2 parked\nrefused ae2: no space in TCAM\n")
	require.Contains(t, out, "+ address 198.51.100.0/31\n")
	_, out, _ = r.cli("switch", "history", "tor-r1", "--limit", "1", "-o", "json")
	var commits []commitLine
	require.NoError(t, json.Unmarshal([]byte(out), &commits))
	require.Len(t, commits, 1)
	require.EqualValues(t, 2, commits[0].ID)
}

func TestRepairIsTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for flag, says := range map[string]string{"--on": "repairs what it finds", "--off": "reports what it finds"} {
		code, out, errs := r.cli("switch", "repair", "tor-r1", flag)
		require.Equal(t, exitDone, code, errs)
		require.Contains(t, out, says)
		sw, err := r.store.Switch(t.Context(), "tor-r1")
		require.NoError(t, err)
		require.Equal(t, flag == "--on", sw.Repair)
	}
	code, _, _ := r.cli("switch", "repair", "tor-r1", "--on", "--off")
	require.Equal(t, exitUsage, code)
}

func TestASwitchThatIsNotThereIsNotOneWithoutTrouble(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, verb := range []string{"show", "plan", "check", "drift", "repair", "history"} {
		code, out, errs := r.cli("switch", verb, "tor-r9")
		require.Equal(t, exitNot, code, verb)
		require.Empty(t, out)
		require.Contains(t, errs, "switch tor-r9: there is none of this name; see starter switch list")
	}
	code, _, errs := r.cli("switch", "check", "tor-r1")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "start switch/tor-r1: ")
}

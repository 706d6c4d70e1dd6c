package bmc

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// A sensor that reads nothing, and one that reads nothing sensible, as
// Supermicro's X11 and ipmi_sim print them.
const sensorLines = `CPU1 Temp,95,degrees C,Upper Critical,3.1,Processor,Temperature,50.000,10.000,80.000,100.000,90.000,80.000,0.000,5.000,10.000,0.000,255.000
FANB,,,ns,29.6,Fan Device,Fan,na,na,na,25400.000,25300.000,25200.000,300.000,500.000,700.000,na,na
12V,12.19,Volts,ok,7.17,System Board,Voltage,na,na,na,14.300,13.260,12.975,10.080,10.365,10.820,na,na
PS1 Status,01h,ok,10.1,Presence detected
PS2 Status,0Bh,ok,10.2,Presence detected, Failure detected, Power Supply AC lost
Chassis Intru,00h,ok,23.1,
Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20
`

func TestIpmitoolsSensorsAreRead(t *testing.T) {
	t.Parallel()
	sensors, parts := parseSensors(sensorLines)
	require.Len(t, sensors, 6)
	require.Equal(t, "critical", sensors[0].State)
	require.Equal(t, "disabled", sensors[1].State)
	require.Equal(t, metal.Fan, sensors[1].Kind)
	require.Nil(t, sensors[1].Value)
	require.Equal(t, 13.26, *sensors[2].HighCritical)
	require.Equal(t, 10.365, *sensors[2].LowCritical)
	require.Equal(t, []metal.Part{
		{Kind: "psu", Name: "PS1 Status", Health: "ok", Detail: "Presence detected"},
		{Kind: "psu", Name: "PS2 Status", Health: "critical", Detail: "Presence detected, Failure detected, Power Supply AC lost"},
	}, parts)
	require.Equal(t, "ok", sensors[5].State)
}

func FuzzParseSensors(f *testing.F) {
	f.Add(sensorLines)
	f.Fuzz(func(t *testing.T, printed string) {
		sensors, parts := parseSensors(printed)
		require.LessOrEqual(t, len(sensors), strings.Count(printed, "\n")+1)
		require.LessOrEqual(t, len(parts), len(sensors))
		for _, s := range sensors {
			require.Contains(t, []string{"ok", "warning", "critical", "absent", "disabled"}, s.State)
			require.LessOrEqual(t, len(s.Name), 64)
		}
		_, err := json.Marshal(sensors) // no NaN, which JSON has not
		require.NoError(t, err)
	})
}

// Lines of ipmi_sim, of ipmitool 1.8.18 with its longer years, and of a
// vendor's record.
const logLines = `1, Pre-Init ,0000051650,Temperature CPU1 Temp,Upper Non-critical going high,Asserted,Reading 95 > Threshold 80 degrees C
a,11/23/26,03:37:01 UTC,Temperature CPU1 Temp,Upper Critical going high,Asserted,Reading 95 > Threshold 90 degrees C
b,11/23/2026,03:38:01,Memory #0x87,Uncorrectable ECC,Asserted
c,11/23/2026,03:39:01,Power Supply PS1,Power Supply AC lost,Deasserted
d,11/23/26,03:40:00 UTC,OEM record e0
SEL has no entries
`

func TestIpmitoolsLogIsRead(t *testing.T) {
	t.Parallel()
	got := parseLog(logLines)
	require.Len(t, got, 5)
	require.Equal(t, []string{"1", "10", "11", "12", "13"}, []string{got[0].ID, got[1].ID, got[2].ID, got[3].ID, got[4].ID})
	require.Equal(t, []metal.Severity{metal.Degraded, metal.Failing, metal.Failing, metal.Note, metal.Note},
		[]metal.Severity{got[0].Severity, got[1].Severity, got[2].Severity, got[3].Severity, got[4].Severity})
	require.True(t, got[0].At.IsZero())
	require.Equal(t, time.Date(2026, 11, 23, 3, 37, 1, 0, time.UTC), got[1].At)
	require.Equal(t, time.Date(2026, 11, 23, 3, 38, 1, 0, time.UTC), got[2].At)
	require.Equal(t, "OEM record e0", got[4].Message)
}

func FuzzParseLog(f *testing.F) {
	f.Add(logLines)
	f.Fuzz(func(t *testing.T, printed string) {
		for _, e := range parseLog(printed) {
			require.NotEmpty(t, e.ID)
			require.LessOrEqual(t, len(e.Message), 500)
			require.NotContains(t, e.Message, "\n")
		}
	})
}

func TestIpmitoolsUsersAreRead(t *testing.T) {
	t.Parallel()
	got := parseUsers("1,,true,false,false,Unknown (0x00)\n2,admin,true,false,true,ADMINISTRATOR\n3,a,b,true,false,true,NO ACCESS\nMaximum,x\n")
	require.Len(t, got, 3)
	require.False(t, got[0].opens())
	require.True(t, got[1].opens())
	require.Equal(t, "a,b", got[2].name)
	require.False(t, got[2].opens())
}

// FuzzParseUsers holds that nobody is taken for an administrator whose line
// does not say that messages are open to them.
func FuzzParseUsers(f *testing.F) {
	f.Add("2,admin,true,false,true,ADMINISTRATOR\n")
	f.Fuzz(func(t *testing.T, printed string) {
		for _, u := range parseUsers(printed) {
			require.True(t, u.id >= 1 && u.id <= 63)
			if u.opens() {
				require.Contains(t, printed, ",true,"+u.privilege)
			}
		}
	})
}

func FuzzSections(f *testing.F) {
	f.Add("Chassis Power is on\nmc info\nChassis Power is on\nsel\n")
	f.Fuzz(func(t *testing.T, out string) {
		_, printed := sections(out)
		require.LessOrEqual(t, len(printed), strings.Count(out, separated))
		_ = facts(out)
	})
}

func entries(ids ...string) (list []metal.LogEntry) {
	for _, id := range ids {
		list = append(list, metal.LogEntry{ID: id, Message: "entry " + id})
	}
	return list
}

func TestMarksFindTheNewEntries(t *testing.T) {
	t.Parallel()
	mark := markOf(metal.IPMI, entries("9")[0])
	for name, c := range map[string]struct {
		log     []metal.LogEntry
		fresh   int
		cleared bool
	}{
		"nothing new":                    {entries("8", "9"), 0, false},
		"newest first":                   {entries("11", "10", "9", "8"), 2, false},
		"numbers, and not words":         {entries("8", "9", "10"), 1, false},
		"older entries were overwritten": {entries("10", "11", "12"), 3, false},
		"emptied":                        {nil, 0, true},
		"emptied, and begun again":       {entries("1", "2"), 2, true},
		"emptied, and grown past it":     {append(entries("8", "10"), metal.LogEntry{ID: "9", Message: "another"}), 3, true},
		"one entry was deleted":          {entries("8", "10"), 1, false},
	} {
		fresh, _, cleared := sinceMark(metal.IPMI, c.log, mark)
		require.Len(t, fresh, c.fresh, name)
		require.Equal(t, c.cleared, cleared, name)
	}
}

func TestAMarkOfTheOtherProtocolIsATime(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	mark := markOf(metal.Redfish, metal.LogEntry{ID: "40", At: noon})
	list := []metal.LogEntry{{ID: "1", At: noon.Add(-time.Hour)}, {ID: "2", At: noon}, {ID: "3", At: noon.Add(time.Minute)}}
	fresh, next, cleared := sinceMark(metal.IPMI, list, mark)
	require.Len(t, fresh, 1)
	require.Equal(t, "3", fresh[0].ID)
	require.False(t, cleared)
	fresh, _, _ = sinceMark(metal.IPMI, list, next)
	require.Empty(t, fresh)
}

// FuzzSinceMark holds that whoever follows the marks sees each entry once.
func FuzzSinceMark(f *testing.F) {
	f.Add("1 2 3", "4 10")
	f.Add("1650000000_1", "1650000000_2")
	f.Fuzz(func(t *testing.T, early, late string) {
		first := entries(strings.Fields(early)...)
		seen, mark, _ := sinceMark(metal.Redfish, first, "")
		require.Len(t, seen, len(first))
		again, same, cleared := sinceMark(metal.Redfish, first, mark)
		require.Empty(t, again)
		require.Equal(t, mark, same)
		require.False(t, cleared)
		_, _, _ = sinceMark(metal.Redfish, entries(strings.Fields(late)...), mark)
	})
}

func FuzzFigures(f *testing.F) {
	f.Add([]byte(`{"Name":7,"Reading":"12.5","ReadingUnits":"V"}`))
	f.Add([]byte(`{"Reading":1e999,"Status":{"Health":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s sensor
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		got, _ := s.sensor()
		_, err := json.Marshal(got)
		require.NoError(t, err)
	})
}

func TestOddNumbersAndWordsCostNothingElse(t *testing.T) {
	t.Parallel()
	var s sensor
	require.NoError(t, json.Unmarshal([]byte(`{"Name": 12, "Reading": "N/A", "ReadingUnits": "V",
		"Thresholds": {"UpperCritical": {"Reading": "13.5"}, "LowerCritical": {"Reading": null}}}`), &s))
	got, known := s.sensor()
	require.True(t, known)
	require.Equal(t, "12", got.Name)
	require.Nil(t, got.Value)
	require.Equal(t, 13.5, *got.HighCritical)
	require.Nil(t, got.LowCritical)
}

// The answer is bmclib's capture of a Supermicro X12 (its fixtures,
// Apache-2.0), whose prose names another task than its arguments.
func TestTheTaskIsFoundWhereVendorsPutIt(t *testing.T) {
	t.Parallel()
	const supermicro = `{"Accepted":{"code":"Base.v1_10_3.Accepted","@Message.ExtendedInfo":[{
		"MessageId":"SMC.1.0.OemSimpleupdateAcceptedMessage",
		"Message":"Please also check Task Resource /redfish/v1/TaskService/Tasks/1 to see more information.",
		"MessageArgs":["/redfish/v1/TaskService/Tasks/1234"]}]}}`
	for want, answer := range map[string]exchange{
		"/redfish/v1/TaskService/Tasks/1234":     {body: []byte(supermicro)},
		"/redfish/v1/TaskService/Tasks/12":       {location: "/redfish/v1/TaskService/Tasks/12/Monitor"}, // OpenBMC
		"/redfish/v1/TaskService/Tasks/JID_4676": {location: "https://192.0.2.1/redfish/v1/TaskService/Tasks/JID_4676"},
		"/redfish/v1/TaskService/Tasks/7":        {body: []byte(`{"@odata.id":"/redfish/v1/TaskService/Tasks/7"}`)},
		"/redfish/v1/TaskMonitor/fa37":           {location: "/redfish/v1/TaskMonitor/fa37"},
		"":                                       {},
	} {
		require.Equal(t, want, taskOf(answer))
	}
}

func TestTaskStatesOfManyVendorsAreUnderstood(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]metal.UpdateState{
		`{"TaskState":"Completed","TaskStatus":"OK"}`:       metal.UpdateDone,
		`{"TaskState":"Completed","TaskStatus":"Critical"}`: metal.UpdateFailed,
		`{"TaskState":"Exception"}`:                         metal.UpdateFailed,
		`{"TaskState":"Scheduled"}`:                         metal.UpdateWaits,
		`{"TaskState":"Starting"}`:                          metal.UpdateRunning,
		`{"TaskState":"Downloading"}`:                       metal.UpdateRunning, // an iDRAC's own
	} {
		var one task
		require.NoError(t, json.Unmarshal([]byte(said), &one))
		require.Equal(t, want, progressOf(one).State, said)
	}
	var prose task
	require.NoError(t, json.Unmarshal([]byte(`{"Messages":[{"MessageId":"Update.1.0.TransferFailed"},{"MessageId":"a device's prose"}]}`), &prose))
	require.Equal(t, "Update.1.0.TransferFailed", progressOf(prose).Detail)
}

package redfish_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/common"
	schema "github.com/stmcginnis/gofish/redfish"
	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// connect logs in with a client that others wrote from DMTF's schemas.
func (r *rig) connect(t *testing.T) *gofish.APIClient {
	t.Helper()
	client, err := gofish.Connect(gofish.ClientConfig{Endpoint: r.url, Username: "admin", Password: "secret", Insecure: true})
	require.NoError(t, err)
	t.Cleanup(client.Logout)
	return client
}

func (r *rig) machine(t *testing.T) *schema.ComputerSystem {
	t.Helper()
	systems, err := r.connect(t).Service.Systems()
	require.NoError(t, err)
	require.Len(t, systems, 1)
	return systems[0]
}

func TestAForeignClientReadsWhatTheMachineIs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	m := r.machine(t)
	require.Equal(t, []string{"Millwright", "Lab One", "LAB-m7", redfish.BIOSVersion}, []string{m.Manufacturer, m.Model, m.SerialNumber, m.BIOSVersion})
	require.EqualValues(t, 32, m.MemorySummary.TotalSystemMemoryGiB)
	cards, err := m.EthernetInterfaces()
	require.NoError(t, err)
	require.Equal(t, "02:00:00:00:00:01", cards[0].MACAddress)
	modules, err := m.Memory()
	require.NoError(t, err)
	require.Len(t, modules, 4)
	require.Equal(t, 8<<10, modules[0].CapacityMiB)
	processors, err := m.Processors()
	require.NoError(t, err)
	require.Equal(t, 8, processors[0].TotalCores)
	stores, err := m.Storage()
	require.NoError(t, err)
	drives, err := stores[0].Drives()
	require.NoError(t, err)
	require.Equal(t, "LAB-m7-1", drives[0].SerialNumber)
	require.EqualValues(t, 480e9, drives[0].CapacityBytes)
	require.Equal(t, common.OKHealth, drives[0].Status.Health)
}

func TestAForeignClientReadsSensorsAndWhatIsTheMatterWithThem(t *testing.T) {
	t.Parallel()
	r := setup(t)
	chassis, err := r.connect(t).Service.Chassis()
	require.NoError(t, err)
	read := func() (*schema.Thermal, *schema.Power) {
		thermal, err := chassis[0].Thermal()
		require.NoError(t, err)
		power, err := chassis[0].Power()
		require.NoError(t, err)
		return thermal, power
	}
	thermal, power := read()
	require.Equal(t, common.UnavailableOfflineState, thermal.Fans[0].Status.State, "the machine is off")
	require.EqualValues(t, 11, power.PowerControl[0].PowerConsumedWatts)

	require.Equal(t, 204, r.reset(t, "On"))
	thermal, power = read()
	require.Equal(t, common.OKHealth, thermal.Temperatures[0].Status.Health)
	require.Greater(t, float64(thermal.Fans[0].Reading), float64(thermal.Fans[0].LowerThresholdCritical))
	require.Greater(t, power.PowerControl[0].PowerConsumedWatts, float32(100))
	require.Len(t, power.PowerSupplies, 2)
	require.InDelta(t, 12, power.Voltages[0].ReadingVolts, 0.5)

	r.SetFault(redfish.Fault{Name: redfish.HotCPU})
	r.SetFault(redfish.Fault{Name: redfish.DeadFan})
	require.NoError(t, r.SetSensor("Inlet Temp", 39))
	thermal, _ = read()
	require.Greater(t, thermal.Temperatures[0].ReadingCelsius, thermal.Temperatures[0].UpperThresholdCritical)
	require.Equal(t, common.CriticalHealth, thermal.Temperatures[0].Status.Health)
	require.Equal(t, common.WarningHealth, thermal.Temperatures[1].Status.Health)
	require.Zero(t, thermal.Fans[0].Reading)
	require.Equal(t, common.CriticalHealth, thermal.Fans[0].Status.Health)
	require.ErrorContains(t, r.SetSensor("Attic Temp", 39), "want one of CPU1 Temp, Inlet Temp")

	r.ClearFaults()
	thermal, _ = read()
	require.Equal(t, common.OKHealth, thermal.Temperatures[1].Status.Health)
	require.Equal(t, common.OKHealth, thermal.Fans[0].Status.Health)
}

func TestAForeignClientReadsAndClearsTheEventLog(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.MemoryErrors})
	r.AddLogEntry(metal.LogEntry{Severity: metal.Degraded, Message: "PS1: input lost"})
	managers, err := r.connect(t).Service.Managers()
	require.NoError(t, err)
	require.Equal(t, redfish.BMCVersion, managers[0].FirmwareVersion)
	logs, err := managers[0].LogServices()
	require.NoError(t, err)
	require.Equal(t, redfish.LogCapacity, int(logs[0].MaxNumberOfRecords))
	entries, err := logs[0].Entries()
	require.NoError(t, err)
	require.Len(t, entries, 2)
	slices.SortFunc(entries, func(x, y *schema.LogEntry) int { return strings.Compare(x.ID, y.ID) }) // it fetches several at once
	require.Equal(t, "DIMM_A1: uncorrectable ECC error", entries[0].Message)
	require.Equal(t, schema.CriticalEventSeverity, entries[0].Severity)
	require.Equal(t, "2", entries[1].ID)

	require.NoError(t, logs[0].ClearLog())
	entries, err = logs[0].Entries()
	require.NoError(t, err)
	require.Len(t, entries, 1, "that it was cleared")
	for range redfish.LogCapacity {
		r.AddLogEntry(metal.LogEntry{Severity: metal.Note, Message: "again"})
	}
	_, _, full := r.do(t, "GET", logs[0].ODataID+"/Entries", nil)
	require.Len(t, full["Members"], redfish.LogCapacity, "a full log takes no more")
}

func TestAForeignClientChangesSettingsThatTakeEffectAtThePowerOn(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.ChangedBIOS})
	m := r.machine(t)
	profile := func() any {
		bios, err := m.Bios()
		require.NoError(t, err)
		return bios.Attributes["SysProfile"]
	}
	require.Equal(t, "PerfPerWattOptimizedOs", profile())
	bios, err := m.Bios()
	require.NoError(t, err)
	require.NoError(t, bios.UpdateBiosAttributes(schema.SettingsAttributes{"SysProfile": "PerfOptimized"}))
	require.Equal(t, "PerfPerWattOptimizedOs", profile(), "it waits")
	require.Equal(t, 204, r.reset(t, "On"))
	require.Equal(t, "PerfOptimized", profile())
	for _, wrong := range []map[string]any{{"SysProfile": "Turbo"}, {"Colour": "red"}} {
		status, _, _ := r.do(t, "PATCH", system+"/Bios/Settings", map[string]any{"Attributes": wrong})
		require.Equal(t, 400, status)
	}
}

func TestAForeignClientUpdatesFirmwareAndGoesBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	image := serveImage(t, redfish.FirmwareImage("bios", "2.5.0"))
	client := r.connect(t)
	updates, err := client.Service.UpdateService()
	require.NoError(t, err)
	require.NoError(t, updates.SimpleUpdate(&schema.SimpleUpdateParameters{ImageURI: image, TransferProtocol: "HTTP"}))
	require.Eventually(t, func() bool { return r.Firmware()["bios"] == "2.5.0" }, 10*time.Second, 10*time.Millisecond)
	tasks, err := client.Service.Tasks()
	require.NoError(t, err)
	require.Equal(t, schema.CompletedTaskState, tasks[0].TaskState)

	inventory, err := updates.FirmwareInventories()
	require.NoError(t, err)
	versions := map[string]string{}
	for _, f := range inventory {
		versions[f.ID] = f.Version
	}
	require.Equal(t, map[string]string{
		"BIOS": "2.5.0", "Backup_BIOS": redfish.BIOSVersion, "BMC": redfish.BMCVersion, "Backup_BMC": "1.0",
	}, versions)
	require.NoError(t, updates.SimpleUpdate(&schema.SimpleUpdateParameters{ImageURI: "/redfish/v1/UpdateService/FirmwareInventory/Backup_BIOS"}))
	require.Eventually(t, func() bool { return r.Firmware()["bios"] == redfish.BIOSVersion }, 10*time.Second, 10*time.Millisecond)
}

func TestAForeignClientManagesAccounts(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.ExtraUser})
	require.Equal(t, []string{"admin", "backdoor"}, r.Users())
	service, err := r.connect(t).Service.AccountService()
	require.NoError(t, err)
	_, err = service.CreateAccount("millwright", "short", "Administrator")
	require.ErrorContains(t, err, "want 8 to 20")
	made, err := service.CreateAccount("millwright", "long-enough-by-far", "Administrator")
	require.NoError(t, err)
	require.Equal(t, "millwright", made.UserName)
	require.Equal(t, 201, r.loginAs(t, "millwright", "long-enough-by-far"))
	accounts, err := service.Accounts()
	require.NoError(t, err)
	for _, a := range accounts {
		require.Empty(t, a.Password)
		if a.UserName == "backdoor" {
			status, _, _ := r.do(t, "DELETE", a.ODataID, nil)
			require.Equal(t, 204, status)
		}
	}
	require.Equal(t, []string{"admin", "millwright"}, r.Users())
	require.Equal(t, 401, r.loginAs(t, "backdoor", "their-own-secret"))
}

func TestAForeignClientMayLeaveNoBMCWithoutAnAdministrator(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := "/redfish/v1/AccountService/Accounts/1"
	status, _, _ := r.do(t, "DELETE", first, nil)
	require.Equal(t, 400, status)
	status, _, _ = r.do(t, "PATCH", first, map[string]any{"RoleId": "Operator"})
	require.Equal(t, 400, status)
	status, _, said := r.do(t, "PATCH", first, map[string]any{"Password": "ANewPassword12"})
	require.Equal(t, 204, status, said)
	require.Equal(t, 201, r.loginAs(t, "admin", "ANewPassword12"))
	require.Equal(t, 401, r.loginAs(t, "admin", "secret"))
	require.NotContains(t, strings.Join(r.Users(), " "), "ANewPassword12")
}

package lab_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/lab/machine"
	"millwright/internal/metal"
)

func TestEachMachineFaultStrikesOnceAndThenAnInstallSucceeds(t *testing.T) {
	t.Parallel()
	for name, strikes := range map[string]func(*rig, metal.BootNumber){
		"never-boots": func(r *rig, _ metal.BootNumber) { r.awaitPhase(machine.Hung) },
		"agent-dies": func(r *rig, _ metal.BootNumber) {
			r.awaitPhase(machine.Hung)
			require.False(r, r.state().Disks[0].Bootable)
		},
		"disk-error":     func(r *rig, boot metal.BootNumber) { r.awaitFailure(boot, "medium error") },
		"erase-unproven": func(r *rig, boot metal.BootNumber) { r.awaitFailure(boot, "erasure not proven") },
		"stale-token":    func(r *rig, _ metal.BootNumber) { r.awaitPhase(machine.Off); require.Positive(r, r.boot.refusals()) },
		"dhcp-lost":      func(r *rig, boot metal.BootNumber) { r.awaitReport(boot, metal.AgentUp) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.fault(name, 1)
			boot := r.begin(r.installJob())
			strikes(r, boot)
			require.Empty(t, r.lab.Faults(), "the fault is spent")
			boot = r.install()
			r.awaitReport(boot, metal.PhoneHome)
		})
	}
}

func (r *rig) awaitFailure(boot metal.BootNumber, detail string) {
	r.Helper()
	r.awaitReport(boot, metal.AgentFail)
	r.boot.mu.Lock()
	defer r.boot.mu.Unlock()
	require.Contains(r, r.boot.reports[len(r.boot.reports)-1].Detail, detail)
}

func TestAMachineThatIgnoresTheOverrideBootsItsOldSystem(t *testing.T) {
	t.Parallel()
	r := setup(t)
	old := r.install()
	r.awaitReport(old, metal.PhoneHome)
	r.fault("boots-old-disk", 1)
	boot := r.begin(metal.AgentJob{Job: metal.JobErase})
	require.Eventually(t, func() bool { return len(r.boot.heardOf("m1", old)) == 4 }, soon, tick, "the old system phones home")
	r.awaitPhase(machine.Running)
	require.Empty(t, r.boot.heardOf("m1", boot))
	require.False(t, r.state().Disks[0].Empty)

	r.powerCycle()
	r.awaitReport(boot, metal.Erased)
}

func TestAnInstalledSystemCanStaySilentAndSpeakAfterAPowerCycle(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault("silent-system", 1)
	boot := r.install()
	r.awaitPhase(machine.Hung)
	require.NotContains(t, r.boot.heardOf("m1", boot), metal.PhoneHome)
	r.powerCycle()
	r.awaitReport(boot, metal.PhoneHome)
}

func TestAnInstalledSystemCanReportAnEarlierBoot(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.boot.intend("m1", false, metal.AgentJob{}) // so that there is an earlier number
	r.fault("stale-phone-home", 1)
	boot := r.install()
	r.awaitReport(boot-1, metal.PhoneHome)
	r.awaitPhase(machine.Running)
	require.Equal(t, "told to stop asking", r.state().Detail)
	require.NotContains(t, r.boot.heardOf("m1", boot), metal.PhoneHome)
}

func TestAnInstalledSystemCanPhoneHomeTwice(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault("phones-home-twice", 1)
	boot := r.install()
	r.awaitPhase(machine.Running)
	require.Equal(t, []metal.ReportKind{metal.AgentUp, metal.Installed, metal.PhoneHome, metal.PhoneHome}, r.boot.heardOf("m1", boot))
}

func TestASlowMachineIsSlowInEachStage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	const delay = 100 * time.Millisecond
	require.NoError(t, r.lab.SetFault(lab.Fault{Target: "machine/m1", Name: "slow", Times: 3, Delay: lab.Duration(delay)}))
	start := time.Now()
	boot := r.begin(metal.AgentJob{})
	r.awaitReport(boot, metal.AgentUp)
	require.GreaterOrEqual(t, time.Since(start), 3*delay, "POST, network boot and agent")
}

func TestAnUnknownFaultIsAnsweredWithTheKnownOnes(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, c := range []struct{ target, name, want string }{
		{"machine/m9", "slow", `unknown target "machine/m9"; known are bmc/m1, bmc/m2, machine/m1, machine/m2, switch/tor-r1`},
		{"machine/m1", "sloth", `machine/m1: machine fault "sloth": unknown; known are never-boots, boots-old-disk, dhcp-lost, ` +
			`stale-token, agent-dies, erase-unproven, disk-error, no-kexec, silent-system, stale-phone-home, phones-home-twice, slow, burn-in-fails`},
		{"bmc/m1", "sloth", `want one of refuse-login`},
		{"switch/tor-r1", "sloth", `known are lock-held`},
		{"machine/m1", "slow", `machine/m1: machine fault "slow": give it a delay, such as 2s`},
	} {
		err := r.lab.SetFault(lab.Fault{Target: c.target, Name: c.name})
		require.ErrorContains(t, err, c.want)
	}
	require.ErrorContains(t, r.lab.ClearFaults("bmc/m9"), `unknown target "bmc/m9"`)
	require.Empty(t, r.lab.Faults())
}

func TestFaultsOfAFileStrikeFromTheStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "faults.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
- {target: machine/m1, fault: slow, delay: 1m30s}
- {target: bmc/m2, fault: session-busy, times: 2}
- {target: switch/tor-r1, fault: "hang:3", times: 1}
`), 0o600))
	faults, err := lab.ReadFaults(file)
	require.NoError(t, err)
	r := setup(t, func(c *lab.Config) { c.Faults = faults })
	require.Equal(t, []lab.Fault{
		{Target: "bmc/m2", Name: "session-busy", Times: 2},
		{Target: "machine/m1", Name: "slow", Delay: lab.Duration(90 * time.Second)},
		{Target: "switch/tor-r1", Name: "hang", Times: 1},
	}, r.lab.Faults())
	require.NoError(t, r.lab.ClearFaults("machine/m1"))
	require.Len(t, r.lab.Faults(), 2)
	require.NoError(t, r.lab.ClearFaults(""))
	require.Empty(t, r.lab.Faults())

	require.NoError(t, os.WriteFile(file, []byte("- {target: machine/m1, fault: slow, time: 3}"), 0o600))
	_, err = lab.ReadFaults(file)
	require.ErrorContains(t, err, "field time not found")
}

package lab_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/dhcp"
	"millwright/internal/lab"
	"millwright/internal/lab/machine"
	"millwright/internal/metal"
)

func TestAMachineIsInstalledRebootedAndErased(t *testing.T) {
	t.Parallel()
	for name, kexec := range map[string]bool{"by kexec": true, "by reboot": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.file.Machines[0].Kexec = kexec
			boot := r.install()
			r.awaitReport(boot, metal.PhoneHome)
			r.awaitPhase(machine.Running)
			s := r.state()
			require.Equal(t, metal.On, s.Power)
			require.Equal(t, boot, s.Boot)
			content := sha256.Sum256(lab.Image(r.file.OperatingSystems[0].ID))
			require.Equal(t, hex.EncodeToString(content[:]), s.Disks[0].SHA256)
			require.Equal(t, "web1", s.Disks[0].FirstBoot.Hostname)
			require.Equal(t, r.boot.machine("m1").Install.Machine().String(), s.Address)

			require.Equal(t, []dhcp.Client{dhcp.ClientPXEx64, dhcp.ClientIPXE, dhcp.ClientOS}, r.clients())

			boot = r.begin(metal.AgentJob{Job: metal.JobErase})
			r.awaitReport(boot, metal.Erased)
			r.awaitPhase(machine.Off)
			power, err := r.bmcs.Power(t.Context(), r.file.Machines[0].BMC)
			require.NoError(t, err)
			require.Equal(t, metal.Off, power)
			require.Equal(t, machine.DiskState{Serial: s.Disks[0].Serial, Empty: true}, r.state().Disks[0])
		})
	}
}

// clients are the kinds of program that asked for an address, in order; each
// was relayed from the machine's own port.
func (r *rig) clients() (kinds []dhcp.Client) {
	r.boot.mu.Lock()
	defer r.boot.mu.Unlock()
	for _, a := range r.boot.dhcp {
		require.Equal(r, r.file.Machines[0].Port, a.Port)
		require.False(r, a.Foreign)
		if a.Outcome == dhcp.Acked {
			kinds = append(kinds, a.Client)
		}
	}
	return kinds
}

func TestADisabledPortCutsARunningAgentOff(t *testing.T) {
	t.Parallel()
	r := setup(t)
	boot := r.begin(metal.AgentJob{})
	r.awaitReport(boot, metal.AgentUp)
	r.configure(metal.Disabled)
	r.boot.told("m1", metal.AgentJob{Job: metal.JobErase})
	require.Never(t, func() bool { return len(r.boot.heardOf("m1", boot)) > 1 }, 300*time.Millisecond, tick)
	r.configure(metal.Parked)
	r.awaitReport(boot, metal.Erased)
}

func TestAnInstalledMachineBootsItsDiskByItself(t *testing.T) {
	t.Parallel()
	r := setup(t)
	boot := r.install()
	r.awaitReport(boot, metal.PhoneHome)
	m := r.file.Machines[0]
	require.NoError(t, r.bmcs.SetPower(t.Context(), m.BMC, metal.Off))
	r.awaitPhase(machine.Off)
	require.NoError(t, r.bmcs.SetPower(t.Context(), m.BMC, metal.On))
	r.awaitPhase(machine.Running)
	require.Equal(t, []metal.ReportKind{metal.AgentUp, metal.Installed, metal.PhoneHome, metal.PhoneHome}, r.boot.heardOf("m1", boot))
}

func TestANetworkBootThatIsToldSoBootsTheDisk(t *testing.T) {
	t.Parallel()
	for _, firmware := range []metal.Firmware{metal.UEFI, metal.BIOS} {
		t.Run(string(firmware), func(t *testing.T) {
			t.Parallel()
			r := setup(t, func(c *lab.Config) { c.Site.Machines[0].Firmware = firmware })
			r.install()
			r.awaitPhase(machine.Running)
			boot := r.boot.intend("m1", false, metal.AgentJob{})
			r.powerCycle()
			require.Eventually(t, func() bool {
				s := r.state()
				return s.Phase == machine.Running && s.PowerOns == 2
			}, soon, tick)
			require.Empty(t, r.boot.heardOf("m1", boot), "the system on the disk reports the boot that installed it")
		})
	}
}

func TestAnUnconfiguredPortLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, profile := range []metal.Profile{"", metal.Disabled} {
		t.Run("profile "+string(profile), func(t *testing.T) {
			t.Parallel()
			r := setup(t, func(c *lab.Config) { c.Patience = time.Millisecond })
			if profile != "" {
				r.configure(profile)
			}
			r.boot.intend("m1", true, metal.AgentJob{})
			r.powerCycle()
			r.awaitPhase(machine.NoBootDevice)
			require.Zero(t, r.boot.asked())
		})
	}
}

func TestAMachineThatNobodyKnowsFindsNoBootDevice(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *lab.Config) { c.Patience = 10 * time.Millisecond })
	r.configure(metal.Parked)
	r.boot.mu.Lock()
	clear(r.boot.machines)
	r.boot.mu.Unlock()
	r.powerCycle()
	r.awaitPhase(machine.NoBootDevice)
	require.NotZero(t, r.boot.asked(), "the relay is configured, and boot was asked")
}

func TestPowerGoesAtAnyMoment(t *testing.T) {
	t.Parallel()
	post := func(c *lab.Config) { c.Post = lab.Span{Min: time.Hour, Max: time.Hour} }
	for _, c := range []struct {
		phase  machine.Phase
		change func(*lab.Config)
		before func(*rig)
	}{
		{machine.POST, post, func(r *rig) { r.begin(metal.AgentJob{}) }},
		{machine.DHCP, func(c *lab.Config) { c.Patience = time.Hour }, func(r *rig) { r.powerCycle() }},
		{machine.Agent, func(*lab.Config) {}, func(r *rig) { r.begin(metal.AgentJob{}) }},
		{machine.Booting, func(*lab.Config) {}, func(r *rig) { r.boot.hear(false); r.install() }},
	} {
		t.Run(string(c.phase), func(t *testing.T) {
			t.Parallel()
			r := setup(t, c.change)
			c.before(r)
			r.awaitPhase(c.phase)
			require.NoError(t, r.bmcs.SetPower(t.Context(), r.file.Machines[0].BMC, metal.Off))
			r.awaitPhase(machine.Off)
			require.Empty(t, r.state().Address)
		})
	}
}

func TestAPhoneHomeIsRepeatedUntilItIsHeard(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.boot.hear(false)
	boot := r.install()
	r.awaitPhase(machine.Booting)
	r.boot.hear(true)
	r.awaitReport(boot, metal.PhoneHome)
	r.awaitPhase(machine.Running)
}

func TestAKexecThatIsRefusedIsReportedAndTheFirmwareBootsTheDisk(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.file.Machines[0].Kexec = true
	r.fault("no-kexec", 1)
	boot := r.install()
	r.awaitReport(boot, metal.NoKexec)
	r.awaitReport(boot, metal.PhoneHome)
}

func TestARescueTouchesNoDiskAndEndsInARebootIntoTheSystem(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.awaitReport(r.install(), metal.PhoneHome)
	before := r.state().Disks
	boot := r.begin(metal.AgentJob{Job: metal.JobRescue})
	r.awaitReport(boot, metal.Rescued)
	r.awaitPhase(machine.Rescue)
	r.boot.told("m1", metal.AgentJob{Job: metal.JobLeave})
	r.awaitPhase(machine.Running)
	require.Equal(t, before, r.state().Disks)
}

func TestAWarmMachineIsInstalledWithoutBeingPoweredOn(t *testing.T) {
	t.Parallel()
	r := setup(t)
	boot := r.begin(metal.AgentJob{Job: metal.JobIdle})
	r.awaitReport(boot, metal.AgentUp)
	r.boot.told("m1", r.installJob())
	r.awaitReport(boot, metal.Installed)
	r.boot.told("m1", metal.AgentJob{Job: metal.JobLeave, Kexec: true})
	r.awaitReport(boot, metal.PhoneHome)
	require.Equal(t, 1, r.state().PowerOns)
}

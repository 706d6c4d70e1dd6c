package lab_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/bmc"
	"millwright/internal/junos"
	"millwright/internal/lab"
	"millwright/internal/lab/machine"
	"millwright/internal/metal"
	"millwright/internal/sitefile"
)

const (
	soon = 30 * time.Second // for what takes milliseconds on a quiet machine
	tick = 5 * time.Millisecond
)

// rig is a lab of two machines with the real drivers of its switch and BMCs,
// and a small boot service.
type rig struct {
	*testing.T
	file     *sitefile.Site
	lab      *lab.Lab
	boot     *fakeBoot
	switches *junos.Driver
	bmcs     *bmc.Driver
}

func login(context.Context, string) (metal.Credential, error) {
	return metal.Credential{User: "admin", Password: "lab"}, nil
}

// setup builds a rig in a /16 that nobody else uses at this moment.
func setup(t *testing.T, change ...func(*lab.Config)) *rig {
	for {
		file, err := lab.Generate(lab.Size{Name: "lab1", Machines: 2, Racks: 1, Net: 100 + rand.IntN(150)})
		require.NoError(t, err)
		boot, port := startBoot(t, file.Boot[0])
		config := lab.Config{
			Site: file, Credentials: login, DHCPPort: port, Patience: 200 * time.Millisecond,
			Pace: agent.Pace{Wait: 20 * time.Millisecond, Retry: 50 * time.Millisecond, Over: 200 * time.Millisecond},
		}
		for _, c := range change {
			c(&config)
		}
		ctx, stop := context.WithCancel(context.Background())
		running, err := lab.Start(ctx, config)
		if errors.Is(err, syscall.EADDRINUSE) {
			stop()
			continue
		}
		require.NoError(t, err)
		t.Cleanup(func() { stop(); require.NoError(t, running.Wait()) })
		r := &rig{T: t, file: file, lab: running, boot: boot,
			switches: &junos.Driver{Credentials: login}, bmcs: &bmc.Driver{Credentials: login}}
		r.enrol()
		return r
	}
}

// enrol gives every machine its install link and tells boot of it.
func (r *rig) enrol() {
	r.boot.mu.Lock()
	defer r.boot.mu.Unlock()
	link := r.file.Blocks[0].Prefix.Addr()
	for _, m := range r.file.Machines {
		r.boot.machines[m.ID] = metal.BootMachine{
			ID: m.ID, Port: m.Port, MACs: []string{m.NICs[0].MAC}, Firmware: m.Firmware,
			Install: metal.Link{Prefix: netip.PrefixFrom(link, 31), Role: metal.Install},
		}
		link = link.Next().Next()
	}
}

// configure commits a profile on the port of the first machine.
func (r *rig) configure(profile metal.Profile) {
	m := r.boot.machine("m1")
	done, err := r.switches.Apply(r.Context(), r.file.Switches[0].Switch, func(context.Context) (metal.Change, error) {
		return metal.Change{Comment: "test", Ports: []metal.PortIntent{{
			Port: m.Port, Profile: profile, Machine: m.ID, Install: m.Install, Boot: r.file.Boot,
		}}}, nil
	})
	require.NoError(r, err)
	require.Empty(r, done.Refused)
}

// powerCycle boots the first machine from the network, whatever it was doing.
func (r *rig) powerCycle() {
	m := r.file.Machines[0]
	require.NoError(r, r.bmcs.SetPower(r.Context(), m.BMC, metal.Off))
	require.NoError(r, r.bmcs.PowerOn(r.Context(), m.BMC, metal.BootNetwork, m.Firmware))
}

func (r *rig) state() lab.MachineState {
	s, err := r.lab.Machine("m1")
	require.NoError(r, err)
	return s
}

func (r *rig) awaitPhase(phase machine.Phase) {
	r.Helper()
	require.Eventually(r, func() bool { return r.state().Phase == phase }, soon, tick, "phase %s", phase)
}

// awaitReport waits until the machine said so of this boot.
func (r *rig) awaitReport(boot metal.BootNumber, kind metal.ReportKind) {
	r.Helper()
	require.Eventually(r, func() bool {
		for _, k := range r.boot.heardOf("m1", boot) {
			if k == kind {
				return true
			}
		}
		return false
	}, soon, tick, "report %s; machine: %+v", kind, r.state())
}

// installJob is an install of the first system of the site file.
func (r *rig) installJob() metal.AgentJob {
	return metal.AgentJob{
		Job: metal.JobInstall, Image: r.file.OperatingSystems[0].Image, Kexec: r.file.Machines[0].Kexec,
	}
}

// begin parks the port and boots the agent with a job.
func (r *rig) begin(job metal.AgentJob) metal.BootNumber {
	r.configure(metal.Parked)
	boot := r.boot.intend("m1", true, job)
	r.powerCycle()
	return boot
}

// install takes the machine to a system that has phoned home.
func (r *rig) install() metal.BootNumber {
	boot := r.begin(r.installJob())
	r.awaitReport(boot, metal.Installed)
	r.boot.told("m1", metal.AgentJob{Job: metal.JobLeave, Kexec: r.file.Machines[0].Kexec})
	return boot
}

func (r *rig) fault(name string, times int) {
	require.NoError(r, r.lab.SetFault(lab.Fault{Target: "machine/m1", Name: name, Times: times}))
}

// bmcFault is of the first machine's BMC, until it is cleared.
func (r *rig) bmcFault(name string) {
	require.NoError(r, r.lab.SetFault(lab.Fault{Target: "bmc/m1", Name: name}))
}

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var (
	firstBoot = metal.FirstBoot{Hostname: "web1", PhoneHomeURL: "http://boot/phone-home?boot=12"}
	install   = Job{Job: metal.JobInstall, Erase: metal.EraseExpress, Install: &Install{Image: "5e1f", Size: 1 << 20, FirstBoot: firstBoot}}
	erase     = Job{Job: metal.JobErase}
	wait      = Job{Job: metal.JobWait}
	idle      = Job{Job: metal.JobIdle}
	leave     = Job{Job: metal.JobLeave}
	whole     = []string{"check 5e1f", "erase express", "lay", "write 5e1f", "configure web1"}
)

func TestAnInstallEndsWithAProvenImageAndLeavesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{wait, install, install, leave}}, &disk{}
	exit, log, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, whole, d.did)
	require.Equal(t, []Up{{Boot: 12, Version: "v7", Inventory: "1 disk", Hardware: json.RawMessage(`{"disks":1}`)}}, s.ups)
	require.Equal(t, []Report{{Kind: metal.Installed, Detail: "sda gave it back", Certificates: certificates}}, s.reports)
	require.NotContains(t, log, token)
}

func TestAKernelThatIsLoadedIsHowTheMachineLeaves(t *testing.T) {
	t.Parallel()
	loaded := 0
	exit, _, err := start(t, &service{jobs: []Job{{Job: metal.JobLeave, Kexec: true}}}, &disk{}, func(c *Config) {
		c.LoadKernel = func(context.Context) error { loaded++; return nil }
	})
	require.NoError(t, err)
	require.Equal(t, Kexec, exit)
	require.Equal(t, 1, loaded)
}

func TestAKexecThatIsRefusedIsReportedAndTheMachineReboots(t *testing.T) {
	t.Parallel()
	for why, load := range map[string]func(context.Context) error{
		"sda2: no kernel":          func(context.Context) error { return errors.New("sda2: no kernel") },
		"this system has no kexec": nil,
	} {
		s := &service{jobs: []Job{{Job: metal.JobLeave, Kexec: true}}}
		exit, _, err := start(t, s, &disk{}, func(c *Config) { c.LoadKernel = load })
		require.NoError(t, err)
		require.Equal(t, Reboot, exit)
		require.Equal(t, []Report{{Kind: metal.NoKexec, Detail: "kernel: " + why}}, s.reports)
	}
}

func TestAnErasedMachinePowersOff(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{erase}}, &disk{}
	exit, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, PowerOff, exit)
	require.Equal(t, []string{"erase full"}, d.did, "a job that names no mode means the thorough one")
	require.Equal(t, []Report{{Kind: metal.Erased, Detail: "1 disks erased and read back", Certificates: certificates}}, s.reports)
}

func TestAJobIsDoneOnceInABootAndReportedAgainWhenAskedAgain(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{install, wait, install, leave}}, &disk{}
	_, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, whole, d.did)
	require.Len(t, s.reports, 2)
	require.Equal(t, s.reports[0], s.reports[1])
}

func TestAnIdleMachineTouchesNothingAndInstallsForEachNewOrder(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{idle, idle, idle, install, idle, install, leave}}, &disk{}
	s.watch = func(path string, job Job) {
		if path == PathJob && job.Job == metal.JobIdle && s.asked < 3 {
			require.Empty(t, d.log())
		}
	}
	exit, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, append(append([]string{}, whole...), whole...), d.did)
	require.Equal(t, "idle", s.haves[1], "the question is held")
}

func TestAFailedJobIsReportedWithItsReasonAndTheAgentWaitsOn(t *testing.T) {
	t.Parallel()
	for i, did := range whole {
		s, d := &service{jobs: []Job{install, install, leave}}, &disk{broken: did}
		exit, _, err := start(t, s, d)
		require.NoError(t, err)
		require.Equal(t, Reboot, exit)
		require.Equal(t, whole[:i+1], d.did, "nothing follows the step that failed")
		require.Len(t, s.reports, 1)
		require.Equal(t, metal.AgentFail, s.reports[0].Kind)
		require.Contains(t, s.reports[0].Detail, "sda: medium error")
	}
}

func TestAFailedEraseIsNeverReportedAsErasedAndKeepsItsCertificates(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{erase, leave}}
	exit, _, err := start(t, s, &disk{broken: "erase full"})
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, []Report{{Kind: metal.AgentFail, Detail: "erase: erase: sda: medium error", Certificates: certificates}}, s.reports)
}

func TestAJobWithoutWhatItNeedsFailsInWords(t *testing.T) {
	t.Parallel()
	for job, want := range map[Job]string{
		{Job: metal.JobInstall}: "install: the job names no image",
		{Job: metal.JobRescue}:  "rescue: this system has nobody to let in",
	} {
		s, d := &service{jobs: []Job{job, leave}}, &disk{}
		_, _, err := start(t, s, d)
		require.NoError(t, err)
		require.Equal(t, []Report{{Kind: metal.AgentFail, Detail: want}}, s.reports)
		require.Empty(t, d.did)
	}
}

func TestARescueLastsUntilTheMachineLeaves(t *testing.T) {
	t.Parallel()
	rescue := Job{Job: metal.JobRescue, Rescue: &metal.Rescue{Hostname: "web1", Keys: []string{"ssh-ed25519 AAAA"}}}
	s, d := &service{jobs: []Job{rescue, rescue, leave}}, &disk{}
	var open, closed int
	exit, _, err := start(t, s, d, func(c *Config) {
		c.Rescue = func(_ context.Context, wish metal.Rescue) (string, func(), error) {
			open++
			require.Equal(t, *rescue.Rescue, wish)
			return "SHA256:abc", func() { closed += s.asked }, nil
		}
	})
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, []Report{{Kind: metal.Rescued, Detail: "SHA256:abc"}}, s.reports)
	require.Equal(t, 1, open)
	require.Equal(t, 3, closed, "it was closed once, when the third question was answered")
	require.Empty(t, d.did)
}

func TestARescueEndsWithTheNextJob(t *testing.T) {
	t.Parallel()
	rescue := Job{Job: metal.JobRescue, Rescue: &metal.Rescue{Hostname: "web1"}}
	for _, next := range []Job{idle, install} {
		s, closed := &service{jobs: []Job{rescue, next, wait, leave}}, 0
		_, _, err := start(t, s, &disk{}, func(c *Config) {
			c.Rescue = func(context.Context, metal.Rescue) (string, func(), error) {
				return "SHA256:abc", func() { closed = s.asked }, nil
			}
		})
		require.NoError(t, err)
		require.Equal(t, 2, closed, next.Job)
	}
}

func TestAJobOfANewerBootServiceIsLeftAlone(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{{Job: "dance"}, {Job: "dance"}, leave}}, &disk{}
	_, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Empty(t, d.did)
	require.Empty(t, s.reports)
	require.Equal(t, []string{"", "dance", "dance"}, s.haves)
}

func TestNeighboursAreToldOfLaterWhileJobsAreDone(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{wait}}, &disk{}
	s.watch = func(string, Job) {
		if len(s.ups) == 2 {
			s.jobs = []Job{leave}
		}
	}
	_, _, err := start(t, s, d, func(c *Config) {
		c.Neighbours = func(context.Context) (string, json.RawMessage) { return "1 disk", json.RawMessage(`{"heard":1}`) }
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"disks":1}`, string(s.ups[0].Hardware))
	require.JSONEq(t, `{"heard":1}`, string(s.ups[1].Hardware))
}

func TestAMachineLeavesWithoutWaitingForItsNeighbours(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{leave}}
	_, _, err := start(t, s, &disk{}, func(c *Config) {
		c.Neighbours = func(ctx context.Context) (string, json.RawMessage) { <-ctx.Done(); return "", nil }
	})
	require.NoError(t, err)
	require.Len(t, s.ups, 1)
}

func TestAStepThatTakesTooLongIsReportedAsSuch(t *testing.T) {
	t.Parallel()
	slow := kind{"erase", 10 * time.Millisecond, 0}
	for name, do := range map[string]func(context.Context, Tell) error{
		"one that heeds its deadline": func(ctx context.Context, _ Tell) error { <-ctx.Done(); return ctx.Err() },
		"one that does not":           func(context.Context, Tell) error { <-t.Context().Done(); return nil },
	} {
		a := &agent{Config: Config{Log: discard, Pace: Pace{Lenience: 10 * time.Millisecond}}, steps: newSteps()}
		_, err := step(t.Context(), a, slow, 0, only(do))
		require.ErrorIs(t, err, errTooLong, name)
		require.ErrorContains(t, err, "erase: took longer than it may", name)
	}
}

func TestDeadlinesGrowWithDisks(t *testing.T) {
	t.Parallel()
	require.Equal(t, time.Hour, stepErase.deadline(0))
	require.Greater(t, stepErase.deadline(20e12), 70*time.Hour)
	require.Less(t, stepImage.deadline(2<<30), 30*time.Minute)
	require.Equal(t, stepFirstBoot.fixed, stepFirstBoot.deadline(1<<40))
}

func TestDetailsKeepTheirLimitAndWholeLetters(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.Repeat("a", 999), Clip(strings.Repeat("a", 999)+"é"))
	require.Len(t, Clip(strings.Repeat("é", 600)), 1000)
}

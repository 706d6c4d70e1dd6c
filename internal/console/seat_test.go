package console_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/console"
	"millwright/internal/metal"
)

type closer = io.ReadWriteCloser

// requireSees reads at a seat until the text came.
func requireSees(t *testing.T, s *console.Seat, text string) {
	t.Helper()
	var seen strings.Builder
	deadline := time.After(patience)
	for !strings.Contains(seen.String(), text) {
		select {
		case body, open := <-s.Output():
			require.True(t, open, "sent away; seen: %q", seen.String())
			seen.Write(body)
		case <-deadline:
			t.Fatalf("%q is not seen; seen: %q", text, seen.String())
		}
	}
}

func (r *rig) sit(k *console.Keeper) *console.Seat {
	r.t.Helper()
	s, err := k.Attach(r.t.Context(), "m1")
	require.NoError(r.t, err, "log: %s", r.log)
	return s
}

func TestPeopleShareAConsoleWithTheRecord(t *testing.T) {
	t.Parallel()
	r := setup(t)
	k, _ := r.keeper("a")
	machine := r.bmc.Machine(t)
	r.claim()
	r.prints(machine, "booting")
	one, two := r.sit(k), r.sit(k)
	_, err := machine.Write([]byte("login: "))
	require.NoError(t, err)
	requireSees(t, one, "login: ")
	requireSees(t, two, "login: ")
	r.requireRecorded("login: ")

	_, err = two.Write([]byte("root\r"))
	require.NoError(t, err)
	got := make([]byte, 5)
	require.NoError(t, machine.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadFull(machine, got)
	require.NoError(t, err)
	require.Equal(t, "root\r", string(got))
	one.Leave()
	two.Leave()
	two.Leave()
}

func TestWhatIsPrintedWithoutARunIsSeenAndNotRecorded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	k, _ := r.keeper("a")
	machine := r.bmc.Machine(t)
	seat := r.sit(k)
	stop := make(chan struct{})
	go func() { // until the console is open
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				_, _ = machine.Write([]byte("private\r\n"))
			}
		}
	}()
	requireSees(t, seat, "private")
	close(stop)
	seat.Leave()
	r.eventually(func() bool { return r.keptBy() == "" }, "nobody sits there, and no run is at work")
	require.Empty(t, r.recorded())
}

func TestAKeeperHandsAConsoleToWhereSomebodySits(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.keeper("recorder")
	machine := r.bmc.Machine(t)
	r.claim()
	r.prints(machine, "recorded here")
	r.eventually(func() bool { return r.keptBy() == "recorder" }, "it is recorded")
	k, _ := r.keeper("gate")
	seat := r.sit(k)
	require.Equal(t, "gate", r.keptBy())
	r.prints(machine, "recorded there")
	requireSees(t, seat, "recorded there")
	require.NotContains(t, r.log.String(), "ends a session", "the first has closed it before")
	seat.Leave()
}

func TestWhoseMachineIsGivenAwayIsSentAway(t *testing.T) {
	t.Parallel()
	r := setup(t)
	k, stop := r.keeper("a")
	seat := r.sit(k)
	stop()
	for range seat.Output() { // ends
	}
	seat.Leave()
}

func TestASlowTerminalHoldsUpNobody(t *testing.T) {
	t.Parallel()
	r := setup(t)
	k, _ := r.keeper("a")
	machine := r.bmc.Machine(t)
	r.claim()
	r.prints(machine, "booting")
	slow := r.sit(k)
	line := []byte(strings.Repeat("x", 70) + "\r\n")
	for range 2000 {
		_, err := machine.Write(line)
		require.NoError(t, err)
	}
	r.prints(machine, "the end")
	for range slow.Output() { // ends: it was sent away
	}
	slow.Leave()
}

func TestAMachineWithoutAConsoleHasNoSeat(t *testing.T) {
	t.Parallel()
	r := setupWith(t, "")
	k, _ := r.keeper("a", func(k *console.Keeper) {
		k.Open = func(context.Context, metal.BMC) (closer, error) { return nil, metal.ErrUnsupported }
	})
	_, err := k.Attach(t.Context(), "m1")
	require.ErrorIs(t, err, console.ErrNoConsole)
}

func TestTheOnlySessionIsGivenUpForACommandOfAnotherProcess(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.keeper("recorder")
	machine := r.bmc.Machine(t)
	r.claim()
	r.prints(machine, "recorded here")
	pid := r.ipmitool()
	k, _ := r.keeper("commander", func(k *console.Keeper) { k.Open = blocked })
	resume, err := k.Yield(t.Context(), "m1")
	require.NoError(t, err)
	require.NoFileExists(t, fmt.Sprintf("/proc/%d/cmdline", pid), "the console's process is gone, and so is its session")
	require.Equal(t, "commander", r.keptBy())
	resume()
	r.eventually(func() bool { return r.keptBy() == "commander" }, "who took it goes on with it")
}

// blocked is a BMC's driver while a command is under way.
func blocked(ctx context.Context, _ metal.BMC) (closer, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

package bmc_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAConsoleIsReadAndTypedAtByteForByte(t *testing.T) {
	t.Parallel()
	s, port := setupSOL(t)
	c := openConsole(t, s.driver, s.record)
	machine, shown := port.plugged(t), watch(c)
	_, err := machine.Write([]byte("login: \x00\xff\x1b[2J\r\n\x80end"))
	require.NoError(t, err)
	shown.requireShows(t, "end")
	require.Equal(t, "login: \x00\xff\x1b[2J\r\n\x80end", shown.String(), "neither ipmitool's own lines nor an echo")

	// What ipmitool takes for commands of its own after a line's end.
	typed := "~.root\r~.\r~B\n~~?\x03\x04~\x1ax"
	_, err = c.Write([]byte(typed))
	require.NoError(t, err)
	got := make([]byte, len(typed))
	require.NoError(t, machine.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.ReadFull(machine, got)
	require.NoError(t, err)
	require.Equal(t, typed, string(got))
}

func TestPowerIsCommandedBesideAnOpenConsole(t *testing.T) {
	t.Parallel()
	s, port := setupSOL(t)
	c := openConsole(t, s.driver, s.record)
	machine, shown := port.plugged(t), watch(c)
	require.NoError(t, s.driver.PowerOn(t.Context(), s.record, metal.BootNetwork, metal.UEFI))
	_, err := machine.Write([]byte("still here"))
	require.NoError(t, err)
	shown.requireShows(t, "still here")
}

// A killed process leaves a session behind; so does a worker that died.
func TestAConsoleThatSomebodyHoldsIsTaken(t *testing.T) {
	t.Parallel()
	s, port := setupSOL(t)
	first := watch(openConsole(t, s.driver, s.record))
	machine := port.plugged(t)
	second := watch(openConsole(t, driverWith(password), s.record))
	_, err := machine.Write([]byte("hello"))
	require.NoError(t, err)
	second.requireShows(t, "hello")
	require.NotContains(t, first.String(), "hello")
}

func TestAConsoleEndsWhenItsBMCIsGoneAndOpensAgain(t *testing.T) {
	t.Parallel()
	s, port := setupSOL(t)
	shown := watch(openConsole(t, s.driver, s.record))
	port.plugged(t)
	s.stop()
	shown.requireEnds(t, 2*time.Minute) // ipmitool asks every 15 s, and again a few times
	require.ErrorContains(t, shown.err, "console ended: ")

	s.start(t)
	s.await(t)
	again := watch(openConsole(t, s.driver, s.record))
	_, err := port.plugged(t).Write([]byte("rebooted"))
	require.NoError(t, err)
	again.requireShows(t, "rebooted")
}

func TestAClosedConsoleLeavesNoSession(t *testing.T) {
	t.Parallel()
	s, _ := setupSOL(t)
	log := &journal{}
	s.driver.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for range 3 {
		c, err := s.driver.Console(t.Context(), s.record)
		require.NoError(t, err)
		shown := watch(c) // a reader that waits must not hold up the end
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		shown.requireEnds(t, time.Second)
		require.NotContains(t, shown.err.Error(), "killed")
		_, err = c.Read(make([]byte, 1))
		require.Error(t, err)
	}
	require.NotContains(t, log.String(), "ends a session", "none was in the way")
}

func TestAConsoleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, _ := setupSOL(t)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := s.driver.Console(ctx, s.record)
	require.NoError(t, err)
	shown := watch(c)
	cancel()
	shown.requireEnds(t, 20*time.Second)
}

func TestABMCWithoutAConsoleSaysSo(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	_, err := s.driver.Console(t.Context(), s.record)
	require.ErrorIs(t, err, metal.ErrUnsupported)
	require.ErrorContains(t, err, "machine m8: BMC "+s.record.Address+": open console: ")

	s.record.Console = metal.NoConsole
	_, err = s.driver.Console(t.Context(), s.record)
	require.ErrorIs(t, err, metal.ErrUnsupported)
}

func TestAConsoleWithAWrongPasswordNamesNoPassword(t *testing.T) {
	t.Parallel()
	s, _ := setupSOL(t)
	_, err := driverWith("wrong-horse").Console(t.Context(), s.record)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.NotContains(t, err.Error(), "wrong-horse")
}

// The process lives as long as the console: everybody may look at it all day.
func TestAnOpenConsoleShowsItsPasswordToNobody(t *testing.T) {
	t.Parallel()
	s, _ := setupSOL(t)
	s.noteArguments(t)
	openConsole(t, s.driver, s.record)
	require.Contains(t, s.read(t, "args"), "sol activate")
	require.NotContains(t, s.read(t, "args"), password, "ipmitool blanks it, which is too late")
	lines, seen := commandLines(t), false
	for _, line := range lines {
		require.NotContains(t, line, password)
		seen = seen || strings.Contains(line, "sol\x00activate") && strings.Contains(line, strconv.Itoa(s.port))
	}
	require.True(t, seen, "the console's process is not among those that were looked at")
}

func commandLines(t *testing.T) (lines []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, f := range files {
		if line, err := os.ReadFile(f); err == nil { // else it has ended
			lines = append(lines, string(line))
		}
	}
	return lines
}

func TestTheOnlySessionOfABMCIsGivenToCommandsFirst(t *testing.T) {
	t.Parallel()
	s, port := setupSOL(t)
	s.record.Sessions = 1
	c, err := s.driver.Console(t.Context(), s.record)
	require.NoError(t, err)
	machine, shown := port.plugged(t), watch(c)
	s.write(t, "witness", witness, 0o755)
	require.NoError(t, os.Rename(filepath.Join(s.folder, "witness"), filepath.Join(s.folder, "chassis")))
	require.NoError(t, s.driver.SetPower(t.Context(), s.record, metal.On))
	shown.requireEnds(t, time.Second)
	require.NotContains(t, s.read(t, "seen"), fmt.Sprintf("-p %d -C 3 sol activate", s.port), "a command came while the console was open")

	again := watch(openConsole(t, s.driver, s.record))
	_, err = machine.Write([]byte("goes on"))
	require.NoError(t, err)
	again.requireShows(t, "goes on")
}

// witness is a chassis that notes which programs run when it is asked.
const witness = `#!/bin/sh
cd "$(dirname "$0")"
for f in /proc/[0-9]*/cmdline; do tr '\0' ' ' <$f >>seen 2>/dev/null; done
op=$2; shift 2
while [ -n "$1" ]; do
	if [ $op = get ]; then echo "$1:$(cat $1)"; shift
	else echo "$2" >$1; shift 2; fi
done
`

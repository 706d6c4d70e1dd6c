package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// booted is a machine of a run, with a keeper that records its console.
func (r *rig) booted() metal.ConsoleWatch {
	r.t.Helper()
	r.exec(`insert into consoles (machine, epoch, boot, run) values ('m1', 1, 6, 'device/before')`)
	r.exec(`insert into console_keepers (machine, keeper, until) values ('m1', 'k', now() + interval '1 hour')`)
	return metal.ConsoleWatch{BMC: metal.BMC{Machine: "m1"}, Epoch: 2, Boot: 7, Run: "device/x"}
}

func (r *rig) printed(w metal.ConsoleWatch, text string) {
	r.t.Helper()
	id, err := r.store.OpenConsole(r.t.Context(), w)
	require.NoError(r.t, err)
	kept, err := r.store.WriteConsole(r.t.Context(), id, "k", []byte(text))
	require.NoError(r.t, err)
	require.True(r.t, kept)
}

func TestAConsoleIsShownHarmlessUnlessItIsWantedRaw(t *testing.T) {
	t.Parallel()
	r := setup(t)
	w := r.booted()
	r.printed(w, "SeaBIOS\r\n\x1b[2J\x1b[32mok\x1b[")
	r.printed(w, "m\xff\r\n")
	code, out, errs := r.cli("console", "m1")
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, "SeaBIOS\r\n\x1b[32mok\x1b[m·\r\n", out)
	require.Contains(t, errs, "machine m1, boot 7; run device/x")
	_, out, _ = r.cli("console", "m1", "--raw")
	require.Equal(t, "SeaBIOS\r\n\x1b[2J\x1b[32mok\x1b[m\xff\r\n", out)
	_, out, _ = r.cli("console", "m1", "-o", "json")
	require.Contains(t, out, `"text": "SeaBIOS\r\n\u001b[32mok"`)
}

func TestConsolesAreListedAndFoundByBootAndRun(t *testing.T) {
	t.Parallel()
	r := setup(t)
	w := r.booted()
	r.printed(w, "seven")
	w.Boot, w.Run = 8, "device/y"
	r.printed(w, "eight")
	code, out, errs := r.cli("console", "m1", "--list")
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, 4, strings.Count(out, "\n"), out)
	for args, want := range map[string]string{"--boot=7": "seven", "--run=device/x": "seven", "--boot=-1": "eight", "--boot=6": ""} {
		code, out, errs := r.cli("console", "m1", args)
		require.Equal(t, exitDone, code, errs)
		require.Equal(t, want, out, args)
	}
	code, _, errs = r.cli("console", "m1", "--boot=99")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "starter console m1 --list")
	code, _, errs = r.cli("console", "m99")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "see starter list machines")
}

func TestWhatIsMissingOfALongConsoleIsSaid(t *testing.T) {
	t.Parallel()
	r := setup(t)
	w := r.booted()
	for range 30 {
		r.printed(w, string(bytes.Repeat([]byte("x"), 64<<10)))
	}
	code, out, errs := r.cli("console", "m1")
	require.Equal(t, exitDone, code, errs)
	missing := 30*(64<<10) - strings.Count(out, "x")
	require.Positive(t, missing)
	require.Equal(t, 1, strings.Count(out, fmt.Sprintf("\n[%d bytes were not kept]\n", missing)))
}

func TestAConsoleIsFollowedIntoTheNextBoot(t *testing.T) {
	t.Parallel()
	r := setup(t)
	w := r.booted()
	r.printed(w, "one ")
	ctx, interrupt := context.WithCancel(t.Context())
	var out, errs journal
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, []string{"console", "m1", "--follow", "--postgres", r.dsn}, &out, &errs) }()
	shows := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool { return out.String() == want }, patience, 10*time.Millisecond, want)
	}
	shows("one ")
	r.printed(w, "two ")
	shows("one two ")
	w.Boot++
	r.printed(w, "three")
	shows("one two three")
	require.Contains(t, errs.String(), "boot 8")
	interrupt()
	require.Equal(t, exitDone, <-ended)
}

package burnin

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestProcessorsAndMemoryThatComputeRightPassWithFigures(t *testing.T) {
	t.Parallel()
	var told []string
	cfg := tree(t)
	results := Run(t.Context(), cfg, metal.BurnIn{CPU: time.Second, Memory: 2 * time.Second}, func(done, total int64, text string) {
		require.EqualValues(t, 3, total)
		told = append(told, text)
	})
	require.Len(t, results, 2)
	for i, test := range []string{"cpu", "memory"} {
		require.Equal(t, test, results[i].Test)
		require.True(t, results[i].Passed, results[i].Detail)
		require.Empty(t, results[i].Detail)
		require.Positive(t, results[i].Figures["ops_per_s"])
		require.NotContains(t, results[i].Figures, "memory_errors_corrected", "what was there before is not this test's")
	}
	require.EqualValues(t, 61, results[0].Figures["max_celsius"])
	require.EqualValues(t, 64, results[1].Figures["asked_mib"], "256 MiB but for what the agent needs")
	require.Greater(t, results[1].Figures["resident_mib"], 32.0)
	require.Contains(t, told, "memory")
	left, err := os.ReadDir(cfg.Scratch)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestMemoryIsLeftToTheAgent(t *testing.T) {
	t.Parallel()
	require.Zero(t, testable(100<<20))
	require.EqualValues(t, 64<<20, testable(256<<20))
	require.EqualValues(t, (64<<30)-(4<<30), testable(64<<30))
	require.EqualValues(t, (1500<<30)-(4<<30), testable(1500<<30))
	cfg := tree(t)
	show(t, cfg, map[string]string{"proc/meminfo": "MemAvailable: 1000 kB"})
	results := burn(t, cfg, metal.BurnIn{Memory: time.Second})
	require.Contains(t, results[0].Detail, "too little to test any of it")
}

func TestWhatTheHardwareCountsMeanwhileFailsATestThatTheToolPassed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ shows, want string }{
		"uncorrected memory": {"echo 1 > sys/devices/system/edac/mc/mc0/ue_count; echo 1 > sys/devices/system/edac/mc/mc0/dimm0/dimm_ue_count", "1 errors that were not corrected (most in mc0 CPU_SrcID#0_MC#0_Chan#1_DIMM#0)"},
		"corrected memory":   {"echo 5003 > sys/devices/system/edac/mc/mc0/ce_count; echo 5003 > sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count", "memory had 5000 errors that were corrected (most in mc0 CPU_SrcID#0_MC#0_Chan#1_DIMM#0)"},
		"machine check":      {"echo 'MCE: 1 1 Machine check exceptions' > proc/interrupts", "1 machine checks"},
		"kernel":             {"echo '2,9,9,-;mce: [Hardware Error]: Uncorrected error, no action required' >> dev/kmsg", "the kernel says: mce: [Hardware Error]: Uncorrected error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := tree(t)
			cfg.StressNG = meanwhile(t, "stress-ng", "(cd "+cfg.Root+"; "+c.shows+")")
			results := burn(t, cfg, metal.BurnIn{CPU: time.Second})
			require.Len(t, results, 1)
			require.False(t, results[0].Passed)
			require.Contains(t, results[0].Detail, c.want)
			require.Positive(t, results[0].Figures["ops_per_s"], "what was measured stays")
		})
	}
}

func TestAFewCorrectedErrorsAreAFigureAndNoFault(t *testing.T) {
	t.Parallel()
	cfg := tree(t)
	cfg.StressNG = meanwhile(t, "stress-ng", "cd "+cfg.Root+"; echo 5 > sys/devices/system/edac/mc/mc0/ce_count; echo '4,9,9,-;EDAC MC0: 2 CE memory read error on DIMM0' >> dev/kmsg; cd - >/dev/null")
	results := burn(t, cfg, metal.BurnIn{CPU: time.Second})
	require.True(t, results[0].Passed, results[0].Detail)
	require.EqualValues(t, 2, results[0].Figures["memory_errors_corrected"])
	require.EqualValues(t, 1, results[0].Figures["hardware_error_lines"])
}

// refusing is a tool that ends as stress-ng does where a computation went wrong.
func refusing(t *testing.T, status string) string {
	path := filepath.Join(t.TempDir(), "stress-ng")
	script := "#!/bin/sh\necho 'stress-ng: info:  [7] dispatching hogs: 2 cpu'\n" +
		"echo 'stress-ng: fail:  [9] cpu: float128: sum of series does not match' >&2\nexit " + status + "\n"
	require.NoError(t, os.WriteFile(path, []byte(script), 0o700))
	return path
}

func TestATestThatFailsOrCannotBeMadeSaysWhy(t *testing.T) {
	t.Parallel()
	for want, program := range map[string]string{
		"stress-ng ended with status 2: cpu: float128: sum of series does not match": refusing(t, "2"),
		"read what stress-ng measured": refusing(t, "0"),
		"start stress-ng: fork/exec":   "/nowhere/stress-ng",
	} {
		cfg := tree(t)
		cfg.StressNG = program
		results := burn(t, cfg, metal.BurnIn{CPU: time.Second})
		require.Len(t, results, 1)
		require.False(t, results[0].Passed)
		require.Contains(t, results[0].Detail, want)
	}
}

func TestToolsThatAreNotToBeHadFailWhatNeedsThemAndNothingElse(t *testing.T) {
	t.Parallel()
	cfg := tree(t)
	cfg.Peer = &peer{mac: mac}
	cfg.Tools = func(context.Context) error { return errors.New("burn-in.tar.zst: 404 Not Found") }
	results := burn(t, cfg, metal.BurnIn{CPU: time.Second, Memory: time.Second, Disks: time.Second, Network: 10 * time.Millisecond})
	require.Len(t, results, 4)
	for i, test := range []string{testCPU, testMemory, testDisk} {
		require.Equal(t, metal.BurnInResult{Test: test, Detail: "burn-in.tar.zst: 404 Not Found"}, results[i])
	}
	require.True(t, results[3].Passed)
}

func TestFiguresThatAreNoneAreNotBelieved(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"---\nmetrics:\n - stressor: cpu\n   bogo-ops: 0\n":    "did no work",
		"---\nmetrics:\n - stressor: vm\n   bogo-ops: 7\n":     "measured nothing of cpu",
		"---\nmetrics:\n - stressor: cpu\n   bogo-ops: .nan\n": "no figure",
		"---\nmetrics:\n seven\n...\n":                         "cannot unmarshal",
		"":                                                     "measured nothing",
	} {
		_, err := parseStress([]byte(text), "cpu")
		require.ErrorContains(t, err, want, text)
	}
	for _, text := range []string{"", "fio: note\n{}", `{"jobs":[]}`, `{"jobs":[{},{}]}`, `{"jobs":[{"error":"no"}]}`} {
		_, err := parseFIO([]byte(text))
		require.Error(t, err, text)
	}
}

func TestABurnInThatIsCutShortPassesNothingAndLeavesNobodyBehind(t *testing.T) {
	t.Parallel()
	cfg := tree(t)
	disk(t, &cfg, 64)
	cfg.Peer = &peer{mac: mac}
	mark := filepath.Join(cfg.Scratch, "began")
	cfg.StressNG = meanwhile(t, "stress-ng", "echo $$ > "+mark)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan []metal.BurnInResult)
	go func() {
		done <- Run(ctx, cfg, metal.BurnIn{CPU: time.Hour, Memory: time.Hour, Disks: time.Hour, Network: time.Hour}, func(int64, int64, string) {})
	}()
	var group string
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(mark)
		group = strings.TrimSpace(string(text))
		return group != "" && len(members(t, group)) > 1
	}, time.Minute, 10*time.Millisecond)
	cancel()
	results := <-done
	require.Len(t, results, 4)
	for _, r := range results {
		require.False(t, r.Passed, r.Test)
		require.Contains(t, r.Detail, "context canceled")
	}
	require.Eventually(t, func() bool { return len(members(t, group)) == 0 }, 10*time.Second, 10*time.Millisecond)
}

// members are the processes of a group, but for those that only wait to be buried.
func members(t *testing.T, group string) (found []string) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range all {
		text, _ := os.ReadFile(path) // it may have ended meanwhile
		_, words, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(words); len(fields) > 2 && fields[2] == group && fields[0] != "Z" {
			found = append(found, path)
		}
	}
	return found
}

func TestTheKernelsOwnLogIsReadWithoutWaiting(t *testing.T) {
	t.Parallel()
	log, err := openKernelLog("/dev/kmsg")
	if os.Getuid() != 0 {
		require.Error(t, err, "it is root's")
		return
	}
	require.NoError(t, err)
	defer log.close()
	for _, line := range log.lines() { // mostly none
		require.NotEmpty(t, line)
	}
}

// The YAML of the release that the RAM system has, as it comes.
func TestFiguresAreFoundInAReportThatIsNotAllYAML(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/stress-ng-0.19.02.yaml")
	require.NoError(t, err)
	s, err := parseStress(text, "cpu")
	require.NoError(t, err)
	require.Equal(t, stress{Stressor: "cpu", Ops: 291, OpsRate: 290.847999, Seconds: 1.000523, MaxRSS: 8648}, s)
}

func FuzzFigures(f *testing.F) {
	text, err := os.ReadFile("testdata/stress-ng-0.19.02.yaml")
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseStress(text, "cpu")
		if err == nil {
			require.Positive(t, s.Ops)
			require.False(t, s.OpsRate < 0 || math.IsInf(s.OpsRate, 0) || math.IsNaN(s.OpsRate))
		}
		if job, err := parseFIO(text); err == nil {
			require.False(t, math.IsInf(job.Read.Rate, 0))
		}
	})
}

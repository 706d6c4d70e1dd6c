package burnin

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"millwright/internal/metal"
)

// stress is what stress-ng wrote for programs of one of its stressors.
type stress struct {
	Stressor string  `yaml:"stressor"`
	Ops      float64 `yaml:"bogo-ops"`
	OpsRate  float64 `yaml:"bogo-ops-per-second-real-time"`
	Seconds  float64 `yaml:"wall-clock-time"`
	MaxRSS   float64 `yaml:"max-rss"` // in KiB, of the largest instance
}

// stress runs one stressor of stress-ng, by its name, on all processors. Its
// verification is what makes it a test: results that two ways of computing, or
// a write and a read, do not agree on end it with status 2.
func (b *bench) stress(ctx context.Context, stressor string, length time.Duration, more ...string) (stress, error) {
	report := filepath.Join(b.Scratch, "stress-ng-"+stressor+".yaml")
	_ = os.Remove(report) // an older one must not be taken for this run's
	defer os.Remove(report)
	length = max(length, time.Second).Round(time.Second)
	args := append([]string{
		"--" + stressor, strconv.Itoa(runtime.NumCPU()), "--verify", "--timeout", strconv.Itoa(int(length.Seconds())) + "s",
		"--metrics", "--yaml", report, "--temp-path", b.Scratch,
	}, more...)
	got, err := run(ctx, b.Scratch, length, b.StressNG, args...)
	if err != nil {
		return stress{}, err
	}
	if got.code != 0 {
		return stress{}, fmt.Errorf("stress-ng ended with status %d: %s", got.code, complaints(append(got.out, got.err...)))
	}
	text, err := os.ReadFile(report)
	if err != nil {
		return stress{}, fmt.Errorf("read what stress-ng measured: %w", err)
	}
	return parseStress(text, stressor)
}

// parseStress takes nothing on trust: a stressor that did no work has not
// tested anything.
func parseStress(text []byte, stressor string) (stress, error) {
	var report struct {
		Metrics []stress `yaml:"metrics"`
	}
	if err := yaml.Unmarshal(metrics(text), &report); err != nil {
		return stress{}, fmt.Errorf("read what stress-ng measured: %w", err)
	}
	for _, s := range report.Metrics {
		if s.Stressor != stressor {
			continue
		}
		for _, n := range []float64{s.Ops, s.OpsRate, s.Seconds, s.MaxRSS} {
			if math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
				return stress{}, fmt.Errorf("read what stress-ng measured: %v is no figure of %s", n, stressor)
			}
		}
		if s.Ops == 0 {
			return stress{}, fmt.Errorf("stress-ng did no work with %s: it may not know this processor, or had no memory", stressor)
		}
		return s, nil
	}
	return stress{}, fmt.Errorf("stress-ng measured nothing of %s", stressor)
}

// metrics is that part of a report. The rest of it is no YAML: what Debian builds
// writes its date at the wrong depth (stress-ng 0.19.02-1, "source-date-epoch").
func metrics(text []byte) []byte {
	const head = "metrics:\n"
	at := bytes.Index(text, []byte("\n"+head))
	if at < 0 {
		return nil
	}
	end := at + 1 + len(head)
	for end < len(text) && text[end] == ' ' {
		next := bytes.IndexByte(text[end:], '\n')
		if next < 0 {
			return text[at+1:]
		}
		end += next + 1
	}
	return text[at+1 : end]
}

// complaints are the lines in which stress-ng says what is wrong, without the
// stamps before them.
func complaints(text []byte) string {
	var lines []string
	for line := range bytes.Lines(text) {
		for _, mark := range []string{"fail:", "error:"} {
			if _, words, found := strings.Cut(string(line), mark); found {
				_, words, _ = strings.Cut(words, "] ")
				lines = append(lines, strings.TrimSpace(words))
			}
		}
	}
	if len(lines) == 0 {
		return clip(string(text))
	}
	return strings.Join(lines, "; ")
}

// cpu computes on all processors, by all of stress-ng's methods in turn.
func (b *bench) cpu(ctx context.Context, length time.Duration) []metal.BurnInResult {
	return b.watched(metal.BurnInResult{Test: testCPU}, func(r *metal.BurnInResult) error {
		hottest := b.hottest()
		s, err := b.stress(ctx, "cpu", length, "--cpu-method", "all")
		degrees := hottest()
		if err != nil {
			return err
		}
		r.Figures["ops_per_s"] = s.OpsRate
		if degrees > 0 {
			r.Figures["max_celsius"] = degrees
		}
		return nil
	})
}

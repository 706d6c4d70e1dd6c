package burnin

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// text is a file's content, empty where there is none.
func text(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// number is a file's, 0 where there is none.
func number(path string) int64 {
	n, err := strconv.ParseInt(text(path), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// sum is over the files that a pattern names.
func sum(pattern string) (n int64) {
	paths, _ := filepath.Glob(pattern) // ours are well formed
	for _, path := range paths {
		n += number(path)
	}
	return n
}

// thermometers are the kernel's names for the sensors within processors:
// Intel's, AMD's, and what a device tree has.
var thermometers = []string{"coretemp", "k10temp", "zenpower", "cpu_thermal"}

// hottest measures the processors each second until it is asked, and gives the
// highest temperature that there was; 0 where they have no sensor.
func (b *bench) hottest() (degrees func() float64) {
	var sensors []string
	names, _ := filepath.Glob(filepath.Join(b.Root, "sys/class/hwmon/hwmon*/name"))
	for _, name := range names {
		if slices.Contains(thermometers, text(name)) {
			found, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "temp*_input"))
			sensors = append(sensors, found...)
		}
	}
	var highest int64 // in thousandths
	end := make(chan struct{})
	var measuring sync.WaitGroup
	measuring.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			for _, sensor := range sensors {
				highest = max(highest, number(sensor))
			}
			select {
			case <-ticker.C:
			case <-end:
				return
			}
		}
	})
	return func() float64 {
		close(end)
		measuring.Wait()
		return float64(highest) / 1000
	}
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// metric is one line of a program's metrics.
type metric struct {
	name, labels string
	value        float64
}

// scrape reads a program's metrics in Prometheus' text form.
func scrape(ctx context.Context, admin string) ([]metric, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read metrics at %s: %w", admin, err)
	}
	defer answer.Body.Close()
	var all []metric
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if m, is := parse(lines.Text()); is {
			all = append(all, m)
		}
	}
	return all, lines.Err()
}

// parse takes a line apart. Labels may hold blanks; the value comes last.
func parse(line string) (m metric, is bool) {
	at := strings.LastIndexByte(line, ' ')
	if at < 0 || line[0] == '#' {
		return m, false
	}
	value, err := strconv.ParseFloat(line[at+1:], 64)
	m.name, m.labels, _ = strings.Cut(line[:at], "{")
	m.value = value
	return m, err == nil
}

// wanted are the metrics that are watched, by what they count.
var wanted = map[string]kind{
	"go_goroutines":                goroutines,
	"go_memstats_heap_inuse_bytes": heap,
	"temporal_sticky_cache_size":   sticky,
}

// read adds what a program says of itself. How many series it exports is
// watched too: a label for each device would never end.
func read(program string, all []metric, into map[key]float64) {
	for _, m := range all {
		if k, is := wanted[m.name]; is {
			into[key{k, program}] += m.value
		}
	}
	into[key{labels, program}] = float64(len(all))
}

// counted sums a metric by one of its labels.
func counted(all []metric, name, label string) map[string]float64 {
	sums := map[string]float64{}
	for _, m := range all {
		if m.name != name {
			continue
		}
		_, rest, found := strings.Cut(","+m.labels, ","+label+`="`)
		if value, _, closed := strings.Cut(rest, `"`); found && closed {
			sums[value] += m.value
		}
	}
	return sums
}

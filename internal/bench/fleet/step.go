package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// step is one step's time, as workers count it.
type step struct {
	name           string
	seconds, times float64
}

func (s step) each() float64 { return s.seconds / max(s.times, 1) }

// slowest prints the steps by their mean time, the slowest first.
func (m *measuring) slowest(ctx context.Context) error {
	steps := map[string]*step{}
	for i := range m.Workers {
		if err := m.scrape(ctx, i, steps); err != nil {
			return err
		}
	}
	var all []step
	for _, s := range steps {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b step) int { return cmp.Compare(b.each(), a.each()) })
	fmt.Fprintf(m.out, "%-34s %8s\n", "steps, the slowest first", "seconds")
	for _, s := range all {
		if s.times >= float64(m.n)/10 { // what the schedules do beside is left out
			fmt.Fprintf(m.out, "%-34s %8.3f\n", s.name, s.each())
		}
	}
	return nil
}

func (m *measuring) scrape(ctx context.Context, worker int, into map[string]*step) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.WorkerAdmin(worker)+"/metrics", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return parse(answer.Body, into)
}

var (
	sample = regexp.MustCompile(`^millwright_step_duration_seconds_(sum|count)\{(.*)\} ([^ ]+)`)
	label  = regexp.MustCompile(`(run|step)="([^"]*)"`)
)

// parse adds up the sums and counts of all steps in the text that Prometheus reads.
func parse(text io.Reader, into map[string]*step) error {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		found := sample.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		value, err := strconv.ParseFloat(found[3], 64)
		if err != nil {
			return fmt.Errorf("read the step metrics: %w", err)
		}
		labels := map[string]string{}
		for _, pair := range label.FindAllStringSubmatch(found[2], -1) {
			labels[pair[1]] = pair[2]
		}
		name := labels["run"] + " " + labels["step"]
		if into[name] == nil {
			into[name] = &step{name: name}
		}
		if found[1] == "sum" {
			into[name].seconds += value
		} else {
			into[name].times += value
		}
	}
	return lines.Err()
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// soak runs the month and samples all along.
func (w *world) soak(ctx context.Context) ([]sample, error) {
	month, end := context.WithTimeout(ctx, minutes(w.cfg.Minutes))
	defer end()
	stop := w.load(month)
	defer stop()
	var samples []sample
	tick := time.NewTicker(w.cfg.Sample)
	defer tick.Stop()
	for {
		select {
		case <-month.Done():
			stop()
			return samples, errors.Join(ctx.Err(), w.faults())
		case err := <-w.lost:
			return nil, fmt.Errorf("a program ended: %w", err)
		case <-tick.C:
			s, err := w.sample(month)
			if month.Err() != nil {
				continue
			}
			if err != nil {
				return nil, err
			}
			samples = append(samples, s)
		}
	}
}

// sample looks into everything.
func (w *world) sample(ctx context.Context) (sample, error) {
	s := sample{At: time.Now(), Values: map[key]float64{}}
	for _, p := range w.processes {
		p.look(s.Values)
	}
	for program, admin := range w.admins {
		all, err := scrape(ctx, admin)
		if err != nil {
			return s, err
		}
		read(program, all, s.Values)
	}
	return s, errors.Join(w.rowsOf(ctx, s.Values), w.connectionsOf(ctx, s.Values), w.temporalOf(ctx, s.Values))
}

func minutes(m float64) time.Duration { return time.Duration(m * float64(time.Minute)) }

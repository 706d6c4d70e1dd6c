package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"millwright/internal/metal"
)

// load does a month's work until stop is called, which returns once nobody does
// any more.
func (w *world) load(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	month, devices := minutes(w.cfg.Minutes), w.cfg.Machines*w.cfg.Lives
	all.Go(func() { w.bear(ctx, &all, month/time.Duration(devices)) })
	all.Go(func() { every(ctx, month/time.Duration(w.cfg.Machines*renewals), w.renewNext()) })
	all.Go(func() { every(ctx, time.Second, w.lookAround) })
	all.Go(func() { every(ctx, month/keysMonthly, w.useKey) })
	all.Go(func() { every(ctx, month/time.Duration(w.cfg.Machines*entries), w.logNext()) })
	return func() { cancel(); all.Wait() }
}

// entries are what one BMC logs in a month: power that came and went, a lid.
const entries = 30

// logNext lets one BMC after the other log something.
func (w *world) logNext() func(context.Context) {
	n := 0
	return func(context.Context) {
		n++
		if bmc, err := w.rig.Lab.BMC(metal.MachineID(fmt.Sprintf("m%d", n%w.cfg.Machines+1))); err == nil {
			bmc.AddLogEntry(metal.LogEntry{At: time.Now(), Severity: metal.Note, Message: fmt.Sprintf("The lid was opened for the %d. time.", n)})
		}
	}
}

// keysMonthly is how many keys are made, used and revoked: by people who sign in
// and by pipelines that have one for each run.
const keysMonthly = 300

func every(ctx context.Context, pause time.Duration, do func(context.Context)) {
	tick := time.NewTicker(max(pause, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

// bear lets a life begin at each tick, if a machine is left for it.
func (w *world) bear(ctx context.Context, all *sync.WaitGroup, pause time.Duration) {
	places := make(chan int, max(1, w.cfg.Machines-2)) // one is warm, and one is being erased
	n := 0
	every(ctx, pause, func(ctx context.Context) {
		select {
		case <-ctx.Done():
			return
		case places <- n:
		}
		n++
		all.Go(func() {
			defer func() { <-places }()
			w.note(ctx, w.live(ctx, n))
		})
	})
}

// mostFailed of a hundred lives may fail: a soak is no test of the runs.
const mostFailed = 2

func (w *world) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // it ends with the month
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives++
	if err != nil {
		w.failed = append(w.failed, err)
	}
}

// faults are lives that failed, if there were many.
func (w *world) faults() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lives == 0 {
		return errors.New("no device came to its end: give the month more minutes")
	}
	if len(w.failed)*100 > w.lives*mostFailed && len(w.failed) > 1 {
		return fmt.Errorf("%d of %d lives failed: %w", len(w.failed), w.lives, errors.Join(w.failed[:min(3, len(w.failed))]...))
	}
	return nil
}

// live is a device from its order to its end: switched off and on, installed
// again, with an address that comes and goes.
func (w *world) live(ctx context.Context, n int) error {
	made, err := w.api.want(ctx, http.StatusCreated, http.MethodPost, "/projects/"+w.api.project+"/devices", map[string]any{
		"plan": "c1.small", "operating_system": "debian_12", "facility": []string{"lab1"}, "hostname": fmt.Sprintf("n%d", n),
		"userdata": fmt.Sprintf("#!/bin/sh\necho life %d\n", n),
	})
	if err != nil {
		return err
	}
	device := fmt.Sprint("/devices/", made["id"])
	if err := w.api.until(ctx, device, string(metal.Active)); err != nil {
		return err
	}
	for _, step := range [][]struct{ act, then string }{
		{{"reboot", "active"}}, {{"reinstall", "active"}}, {{"power_off", "inactive"}, {"power_on", "active"}}, {{"rescue", "active"}},
	}[n%4] {
		if _, err := w.api.want(ctx, http.StatusAccepted, http.MethodPost, device+"/actions", map[string]any{"type": step.act}); err != nil {
			return err
		}
		if err := w.api.until(ctx, device, step.then); err != nil {
			return fmt.Errorf("after %s: %w", step.act, err)
		}
	}
	if err := w.address(ctx, device); err != nil {
		return err
	}
	if _, err := w.api.want(ctx, http.StatusNoContent, http.MethodDelete, device, nil); err != nil {
		return err
	}
	return w.api.until(ctx, device, "")
}

// address reserves one, gives it to the device, takes it away and releases it.
func (w *world) address(ctx context.Context, device string) error {
	reserved, err := w.api.want(ctx, http.StatusCreated, http.MethodPost, "/projects/"+w.api.project+"/ips",
		map[string]any{"type": "public_ipv4", "quantity": 1, "facility": "lab1"})
	if err != nil {
		return err
	}
	given, err := w.api.want(ctx, http.StatusCreated, http.MethodPost, device+"/ips", map[string]any{"address": fmt.Sprintf("%v/%v", reserved["address"], reserved["cidr"])})
	if err != nil {
		return err
	}
	if _, err := w.api.want(ctx, http.StatusNoContent, http.MethodDelete, fmt.Sprint("/ips/", given["id"]), nil); err != nil {
		return err
	}
	_, err = w.api.want(ctx, http.StatusNoContent, http.MethodDelete, fmt.Sprint("/ips/", reserved["id"]), nil)
	return err
}

// lookAround is what dashboards and command lines ask for.
func (w *world) lookAround(ctx context.Context) {
	for _, path := range []string{"/projects/" + w.api.project + "/devices", "/projects/" + w.api.project + "/events", "/plans", "/user",
		"/projects/" + w.api.project + "/audit", "/devices/00000000-0000-4000-8000-000000000000"} {
		_, _, _ = w.api.ask(ctx, http.MethodGet, path, nil) // some are refused, and that is a part of it
	}
}

// useKey makes a key, asks with it, and revokes it.
func (w *world) useKey(ctx context.Context) {
	made, err := w.api.want(ctx, http.StatusCreated, http.MethodPost, "/user/api-keys", map[string]any{"description": "for a moment", "read_only": true})
	if err != nil {
		w.note(ctx, err)
		return
	}
	other := *w.api
	other.key = fmt.Sprint(made["token"])
	_, err = other.want(ctx, http.StatusOK, http.MethodGet, "/user", nil)
	if err == nil {
		_, err = w.api.want(ctx, http.StatusNoContent, http.MethodDelete, fmt.Sprint("/user/api-keys/", made["id"]), nil)
	}
	if err != nil {
		w.note(ctx, err)
	}
}

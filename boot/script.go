package main

import (
	"context"
	"errors"
	"net/http"

	"millwright/internal/firstboot"
	"millwright/internal/metal"
	"millwright/internal/netboot"
)

// Kinds of script, as the metric names them.
const (
	scriptAgent    = "agent"
	scriptDisk     = "disk"
	scriptMemory   = "disk-from-memory"
	scriptWait     = "wait"
	scriptStranger = "stranger"
	scriptTenant   = "tenant"
)

// script tells a machine what to boot. A stranger gets a 404, at which iPXE
// gives up and its firmware goes on to the next boot device.
func (s *service) script(w http.ResponseWriter, r *http.Request) {
	known, err := s.caller(r)
	if err != nil && !s.view.loaded() {
		// Nothing is known of anybody yet. A 404 would send a machine that waits
		// for the agent to its disk.
		s.sendScript(w, netboot.Wait(s.base(r), "this machine"), scriptWait)
		return
	}
	if err != nil {
		s.stranger(w, r)
		return
	}
	m, err := s.fresh(r.Context(), known, source(r))
	if errors.Is(err, metal.ErrUnknownMachine) {
		s.stranger(w, r)
		return
	}
	var text, kind string
	if err == nil {
		text, kind = s.instruct(r.Context(), m, s.base(r))
	} else {
		text, kind = s.remember(known, s.base(r))
	}
	s.log.Info("boot script", "machine", known.ID, "boot", known.Intent.Number, "kind", kind, "error", err)
	s.sendScript(w, text, kind)
}

func (s *service) sendScript(w http.ResponseWriter, text, kind string) {
	s.metrics.scripts.WithLabelValues(kind).Inc()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text))
}

func (s *service) stranger(w http.ResponseWriter, r *http.Request) {
	s.metrics.scripts.WithLabelValues(scriptStranger).Inc()
	s.log.Warn("a stranger asks for a boot script", "address", source(r))
	http.Error(w, "no machine has this address", http.StatusNotFound)
}

// instruct follows the row that was read a moment ago. A token is written down
// before the script with it leaves; where that is refused, the machine's boot
// has just changed, and it asks again. Base is where iPXE reaches us; the agent
// is told the IPv4 URL in any case, for its RAM system asks DHCPv4 alone.
func (s *service) instruct(ctx context.Context, m metal.BootMachine, base string) (text, kind string) {
	if m.Intent.Script {
		return s.tenantScript(ctx, m, base)
	}
	if !m.Intent.Agent {
		return netboot.Disk(m.Firmware, m.ID), scriptDisk
	}
	ctx, cancel := context.WithTimeout(ctx, oneLimit)
	defer cancel()
	token, hash := newToken()
	if err := s.store.IssueToken(ctx, m.ID, m.Intent.Number, hash); err != nil {
		s.log.Warn("no token for the agent", "machine", m.ID, "boot", m.Intent.Number, "error", err)
		return netboot.Wait(base, m.ID), scriptWait
	}
	a := netboot.Agent{URL: s.URL, From: base, Machine: m.ID, Boot: m.Intent.Number, Token: token, Arguments: s.AgentArguments}
	return a.Script(), scriptAgent
}

// remember answers without Postgres. A disk may be booted from memory; an
// agent needs a token, hence Postgres, hence patience.
func (s *service) remember(m metal.BootMachine, base string) (text, kind string) {
	if m.Intent.Agent || m.Intent.Script {
		return netboot.Wait(base, m.ID), scriptWait
	}
	return netboot.Disk(m.Firmware, m.ID), scriptMemory
}

// tenantScript is the tenant's own. Its run hears that it was fetched, which is
// the last that we see of such a machine.
func (s *service) tenantScript(ctx context.Context, m metal.BootMachine, base string) (text, kind string) {
	var script firstboot.Script
	known := m.Tenancy != nil
	if known {
		script, known = firstboot.ScriptOf(m.Tenancy.ScriptURL, m.Tenancy.UserData)
	}
	if !known {
		s.log.Error("a machine is to boot its tenant's script, and there is none", "machine", m.ID, "boot", m.Intent.Number)
		return netboot.Wait(base, m.ID), scriptWait
	}
	err := s.courier.take(ctx, metal.Said{Report: metal.Report{Machine: m.ID, Boot: m.Intent.Number, Kind: metal.Scripted}})
	if err != nil && !errors.Is(err, metal.ErrRunOver) && !errors.Is(err, metal.ErrStaleClaim) {
		return netboot.Wait(base, m.ID), scriptWait // nobody would know that it booted
	}
	return script.Text(), scriptTenant
}

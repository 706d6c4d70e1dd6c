package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"

	"millwright/internal/agent"
	"millwright/internal/firstboot"
	"millwright/internal/metal"
)

// handOut answers an agent with its job, and with all that it needs for it.
func (s *service) handOut(w http.ResponseWriter, r *http.Request, c agentCall, job metal.AgentJob) {
	told, err := s.tell(r.Context(), c, job)
	if err != nil {
		s.refuse(w, c.machine, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(told)
}

// tell writes a job as agents read it. What belongs to the tenant is read now:
// memory may still have the one before.
func (s *service) tell(ctx context.Context, c agentCall, job metal.AgentJob) (agent.Job, error) {
	told := agent.Job{Job: job.Job, Kexec: job.Kexec}
	switch job.Job {
	case metal.JobErase:
		told.Erase = job.Erase
		return told, nil
	case metal.JobProve:
		told.BurnIn = &job.BurnIn
		return told, nil
	case metal.JobInstall, metal.JobRescue:
	default:
		return told, nil
	}
	ctx, cancel := context.WithTimeout(ctx, oneLimit)
	defer cancel()
	m, err := s.store.BootMachine(ctx, c.machine)
	if err != nil {
		return told, err
	}
	if m.Intent.Number != c.boot || m.Tenancy == nil {
		return told, fmt.Errorf("machine %s, boot %d: no device lives on it: %w", c.machine, c.boot, metal.ErrStaleClaim)
	}
	if job.Job == metal.JobRescue {
		told.Rescue = &metal.Rescue{Hostname: m.Tenancy.Hostname, Keys: m.Tenancy.SSHKeys, Links: links(m.Tenancy)}
		return told, nil
	}
	told.Erase = job.Erase
	told.Install = &agent.Install{Image: job.Image.ID, Size: job.Image.Size, Storage: job.Storage}
	told.Install.FirstBoot, err = firstboot.Render(m, m.Tenancy.OperatingSystem.FirstBoot, firstboot.Options{URL: s.URL, Resolvers: s.Resolvers, Positions: positions(m.Tenancy)})
	return told, err
}

// positions says on which NIC a link is.
func positions(t *metal.Tenancy) map[netip.Prefix]int {
	at := map[netip.Prefix]int{}
	for _, lease := range links(t) {
		at[lease.Prefix] = lease.Position
	}
	return at
}

// links are the leases that a machine has an end of.
func links(t *metal.Tenancy) (links []metal.Lease) {
	for _, lease := range t.Leases {
		if !lease.Elastic {
			links = append(links, lease)
		}
	}
	return links
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"millwright/internal/agent"
	"millwright/internal/erasure"
	"millwright/internal/metal"
)

// maxBody holds the inventory of a big machine, some 20 kB, and the certificates
// of a hundred disks.
const maxBody = 512 << 10

func (s *service) up(w http.ResponseWriter, r *http.Request, c agentCall) {
	var up agent.Up
	if !decode(w, r, &up) {
		return
	}
	said := c.says(metal.AgentUp, up.Inventory)
	said.AgentVersion, said.Hardware = agent.Clip(up.Version), up.Hardware
	s.take(w, r, said)
}

// agentReports are what an agent may say of its jobs: it must not be able to
// phone home for a system that is not there.
var agentReports = map[metal.ReportKind]bool{
	metal.Installed: true, metal.Erased: true, metal.Proven: true, metal.Rescued: true, metal.NoKexec: true, metal.AgentFail: true,
}

func (s *service) reported(w http.ResponseWriter, r *http.Request, c agentCall) {
	var report agent.Report
	if !decode(w, r, &report) {
		return
	}
	if !agentReports[report.Kind] {
		http.Error(w, "not a report of an agent", http.StatusBadRequest)
		return
	}
	said := c.says(report.Kind, report.Detail)
	said.BurnIn = tidy(report.BurnIn)
	m, err := s.store.BootMachine(r.Context(), c.machine)
	if err != nil {
		s.refuse(w, c.machine, err)
		return
	}
	if err := s.sign(&said, m.Tenancy, report.Certificates); err != nil {
		s.log.Error("certificates of an erasure are not in order", "machine", c.machine, "boot", c.boot, "error", err)
		http.Error(w, "the certificates are not in order", http.StatusUnprocessableEntity)
		return
	}
	s.take(w, r, said)
}

// sign puts our name to what an agent says of its disks, and says whose machine
// it was: an agent may be mistaken about that.
func (s *service) sign(said *metal.Said, t *metal.Tenancy, certificates []json.RawMessage) error {
	said.InFull = len(certificates) > 0
	for _, raw := range certificates {
		var c erasure.Certificate
		if err := json.Unmarshal(raw, &c); err != nil {
			return fmt.Errorf("read a certificate: %w", err)
		}
		c.Machine, c.Boot, c.Device = said.Report.Machine, said.Report.Boot, ""
		if t != nil {
			c.Device = t.Device
		}
		signed, err := s.key.Sign(c)
		if err != nil {
			return err
		}
		said.InFull = said.InFull && c.Mode == erasure.Full
		said.Certificates = append(said.Certificates, metal.Certificate{
			Serial: c.Serial, Body: []byte(signed.Payload), Signature: signed.Signature, Key: signed.Key,
		})
	}
	return nil
}

// maxResults is more than the disks and network cards of any machine.
const maxResults = 300

// tidy keeps results within what is promised of them.
func tidy(results []metal.BurnInResult) []metal.BurnInResult {
	results = results[:min(len(results), maxResults)]
	for i := range results {
		r := &results[i]
		r.Test, r.Part, r.Detail = short(r.Test, 50), short(r.Part, 200), short(r.Detail, 500)
		for name := range r.Figures {
			if len(r.Figures) > 50 || len(name) > 50 {
				delete(r.Figures, name)
			}
		}
	}
	return results
}

func short(s string, limit int) string { return strings.ToValidUTF8(s[:min(len(s), limit)], "") }

func (c agentCall) says(kind metal.ReportKind, detail string) metal.Said {
	return metal.Said{
		Report:    metal.Report{Machine: c.machine, Boot: c.boot, Kind: kind, Detail: agent.Clip(detail)},
		TokenHash: c.hash,
	}
}

func (s *service) take(w http.ResponseWriter, r *http.Request, said metal.Said) {
	err := s.courier.take(r.Context(), said)
	if err != nil && !errors.Is(err, metal.ErrRunOver) {
		s.refuse(w, said.Report.Machine, err)
		return
	}
	// An agent whose run is over learns it from its job: this word was kept.
	w.WriteHeader(http.StatusNoContent)
}

// step keeps how far an agent is with its job.
func (s *service) step(w http.ResponseWriter, r *http.Request, c agentCall) {
	var step agent.Step
	if !decode(w, r, &step) {
		return
	}
	err := s.store.RecordStep(r.Context(), c.call(), metal.AgentStep{Step: step.Step, Done: step.Done, Total: step.Total, Text: agent.Clip(step.Text)})
	if err != nil {
		s.refuse(w, c.machine, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// maxPiece bounds one piece of a log; an agent sends the rest next.
const maxPiece = 64 << 10

// journal keeps a piece of an agent's log, and answers where the next begins.
func (s *service) journal(w http.ResponseWriter, r *http.Request, c agentCall) {
	at, err := strconv.ParseInt(r.URL.Query().Get(agent.QueryAt), 10, 64)
	if err != nil || at < 0 {
		http.Error(w, "a piece of a log says where it begins", http.StatusBadRequest)
		return
	}
	piece, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPiece))
	if err != nil {
		http.Error(w, fmt.Sprintf("a piece of a log has at most %d bytes", maxPiece), http.StatusRequestEntityTooLarge)
		return
	}
	next, err := s.store.AppendLog(r.Context(), c.call(), at, piece)
	if err != nil {
		s.refuse(w, c.machine, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(agent.LogEnd{Next: next})
}

func (c agentCall) call() metal.AgentCall {
	return metal.AgentCall{Machine: c.machine, Boot: c.boot, TokenHash: c.hash}
}

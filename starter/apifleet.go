package main

import (
	"net/http"

	"millwright/internal/metal"
)

// postFleet is postOrder for many devices as one: the key is the fleet's ID.
func (s *endpoint) postFleet(w http.ResponseWriter, r *http.Request) {
	key, body, ok := s.read(w, r)
	if !ok {
		return
	}
	fleet, err := metal.ParseFleet(metal.FleetID(key), body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p, err := s.office.placeFleet(r.Context(), fleet)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if p.unsent != nil {
		s.log.Warn("fleet stands, reconcile starts its run", "fleet", fleet.ID, "request", requestID(r), "error", p.unsent)
	}
	w.Header().Set("Location", "/v1/fleets/"+string(fleet.ID))
	s.answer(w, accepted(p.fresh), fleetAnswer(p.FleetStatus))
}

func (s *endpoint) getFleet(w http.ResponseWriter, r *http.Request) {
	fleet, err := readFleet(r.Context(), s.office.store, metal.FleetID(r.PathValue("id")))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, http.StatusOK, fleet)
}

// getLine answers who waits, of one site, plan or project where these are
// given.
func (s *endpoint) getLine(w http.ResponseWriter, r *http.Request) {
	of := r.URL.Query()
	waiting, err := s.office.store.InLine(r.Context(), metal.SiteID(of.Get("site")), metal.PlanID(of.Get("plan")), metal.ProjectID(of.Get("project")))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"waiting": waiting})
}

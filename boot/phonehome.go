package main

import (
	"errors"
	"net/http"
	"strings"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// phoneHome hears that an installed system is up. A 410 tells it to stop.
func (s *service) phoneHome(w http.ResponseWriter, r *http.Request) {
	// Older afterburn and Ignition add "/events" to the whole phone-home URL to
	// report a state, and so to its query. That is no phone-home: the system may
	// have failed.
	if strings.HasSuffix(r.URL.Query().Get(agent.QueryBoot), "/events") {
		s.userState(w, r)
		return
	}
	m, err := s.caller(r)
	if err != nil {
		http.Error(w, "no machine has this address", http.StatusNotFound)
		return
	}
	boot, ok := bootNumber(r)
	if !ok {
		http.Error(w, "a phone-home names its boot", http.StatusBadRequest)
		return
	}
	err = s.courier.take(r.Context(), metal.Said{Report: metal.Report{Machine: m.ID, Boot: boot, Kind: metal.PhoneHome}})
	switch {
	case errors.Is(err, metal.ErrRunOver):
		http.Error(w, "nobody waits for this", http.StatusGone)
	case err != nil:
		s.refuse(w, m.ID, err)
	}
}

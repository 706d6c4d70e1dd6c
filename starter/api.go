package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/workflows"
)

// endpoint is the ordering endpoint. It answers from Postgres; Temporal is told on
// the way, and never waited for beyond a moment.
type endpoint struct {
	office  office
	tokens  tokens
	log     *slog.Logger
	metrics *metrics
}

// answerLimit bounds what Postgres may take for one request.
const answerLimit = 10 * time.Second

// handler lists all that can be asked. A path without a method answers 405.
func (s *endpoint) handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		method, path string
		answer       http.HandlerFunc
	}{
		{"POST", "/v1/orders", s.postOrder},
		{"GET", "/v1/orders/{id}", s.getOrder},
		{"POST", "/v1/fleets", s.postFleet},
		{"GET", "/v1/fleets/{id}", s.getFleet},
		{"GET", "/v1/line", s.getLine},
		{"GET", "/v1/devices", s.getDevices},
		{"GET", "/v1/devices/{id}", s.getDevice},
	} {
		mux.HandleFunc(route.method+" "+route.path, route.answer)
		mux.HandleFunc(route.path, s.notAllowed(route.method))
	}
	mux.HandleFunc("/", s.notFound)
	return s.named(s.counted(mux, s.admitted(s.bounded(mux))))
}

func (s *endpoint) notAllowed(method string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		allowed := method
		if method == http.MethodGet {
			allowed = "GET, HEAD"
		}
		w.Header().Set("Allow", allowed)
		s.refuse(w, r, refusal{http.StatusMethodNotAllowed, r.Method + " is not possible here; use " + allowed, ""})
	}
}

func (s *endpoint) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, refusal{http.StatusNotFound, "there is nothing here; see /v1/orders, /v1/fleets, /v1/line and /v1/devices", ""})
}

// orderBody is how an order stands. The run is where to look in Temporal.
type orderBody struct {
	Order   metal.OrderID  `json:"order"`
	Action  metal.Action   `json:"action"`
	Device  metal.DeviceID `json:"device"`
	Run     string         `json:"run"`
	State   string         `json:"state"` // wanted, started, done, failed
	Outcome string         `json:"outcome,omitempty"`
	Turn    *metal.Turn    `json:"turn,omitempty"` // while it waits for a machine
}

func orderAnswer(s metal.OrderStatus) orderBody {
	return orderBody{s.Order, s.Action, s.Device, workflows.DeviceRun(s.Device), s.State, s.Outcome, nil}
}

// keyHeader names the order: a repeat of the key is a repeat of the order.
const keyHeader = "Idempotency-Key"

// maxBody is far above any order: 100 keys and 100 tags are some 100 KiB.
const maxBody = 1 << 20

func (s *endpoint) postOrder(w http.ResponseWriter, r *http.Request) {
	key, body, ok := s.read(w, r)
	if !ok {
		return
	}
	order, err := metal.ParseOrder(metal.OrderID(key), body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p, err := s.office.place(r.Context(), order)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if p.unsent != nil {
		s.log.Warn("order stands, reconcile starts its run", "order", order.ID, "device", order.Device, "request", requestID(r), "error", p.unsent)
	}
	w.Header().Set("Location", "/v1/orders/"+string(order.ID))
	s.answer(w, accepted(p.fresh), orderAnswer(p.OrderStatus))
}

// read takes the key and the body of what is ordered, or refuses.
func (s *endpoint) read(w http.ResponseWriter, r *http.Request) (key string, body []byte, ok bool) {
	if key = r.Header.Get(keyHeader); key == "" {
		s.refuse(w, r, refusal{http.StatusBadRequest, "give the order an ID of your own in the header " + keyHeader, keyHeader})
		return "", nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		s.refuse(w, r, refusal{http.StatusRequestEntityTooLarge, "an order has at most 1 MiB", ""})
		return "", nil, false
	}
	if err != nil {
		s.refuse(w, r, refusal{http.StatusBadRequest, "the body broke off", ""})
		return "", nil, false
	}
	return key, body, true
}

// accepted is the code for what stands: it was written now, or before.
func accepted(fresh bool) int {
	if fresh {
		return http.StatusAccepted
	}
	return http.StatusOK
}

func (s *endpoint) getOrder(w http.ResponseWriter, r *http.Request) {
	status, err := s.office.store.Order(r.Context(), metal.OrderID(r.PathValue("id")))
	if errors.Is(err, pgx.ErrNoRows) {
		s.refuse(w, r, refusal{http.StatusNotFound, "no such order", ""})
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := orderAnswer(status)
	if status.Action == metal.ActionProvision {
		if answer.Turn, err = s.office.store.Turn(r.Context(), status.Device); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.answer(w, http.StatusOK, answer)
}

func (s *endpoint) getDevice(w http.ResponseWriter, r *http.Request) {
	device, err := readDevice(r.Context(), s.office.store, metal.DeviceID(r.PathValue("id")))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, http.StatusOK, device)
}

// getDevices answers an object, not a list: it can grow a page mark later.
func (s *endpoint) getDevices(w http.ResponseWriter, r *http.Request) {
	devices, err := readDevices(r.Context(), s.office.store, metal.ProjectID(r.URL.Query().Get("project")))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"devices": devices})
}

// bounded ends what Postgres does not answer.
func (s *endpoint) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerLimit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

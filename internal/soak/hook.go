package main

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// hook is a tenant's endpoint. It refuses now and then, so that deliveries are
// tried again.
type hook struct {
	url    string
	server *http.Server
	asked  atomic.Int64
}

// refuses is how many posts there are to each one that is refused.
const refuses = 25

func listen() (*hook, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &hook{url: "http://" + listener.Addr().String() + "/"}
	h.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if h.asked.Add(1)%refuses == 0 {
			http.Error(w, "not this one", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = h.server.Serve(listener) }() // until it is closed
	return h, nil
}

func (h *hook) end() { _ = h.server.Close() }

package main

import (
	"io"
	"net/http"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/image"
)

// imageMeter counts what images cost a site's line, and what its copy saves.
type imageMeter struct {
	bytes prometheus.Counter

	mu      sync.Mutex
	clients map[netip.Addr]int // answers under way to each
}

// newImageMeter registers what it counts. A store has no copies to count.
func newImageMeter(registry *prometheus.Registry, source image.Source) *imageMeter {
	m := &imageMeter{clients: map[netip.Addr]int{}, bytes: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "millwright_boot_image_bytes_total", Help: "Bytes of images sent to machines, packed."})}
	registry.MustRegister(m.bytes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "millwright_boot_image_clients", Help: "Machines that are being sent parts of images at this moment.",
	}, m.busy))
	cache, ok := source.(*image.Cache)
	if !ok {
		return m
	}
	for outcome, of := range map[string]func(image.CacheStats) int64{
		"hit":     func(s image.CacheStats) int64 { return s.Hits },
		"miss":    func(s image.CacheStats) int64 { return s.Misses },
		"damaged": func(s image.CacheStats) int64 { return s.Damaged },
	} {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "millwright_boot_image_cache_blocks_total", Help: "Blocks that the copy of an upstream's images was asked for, by what became of it: damaged ones are missed, too.",
			ConstLabels: prometheus.Labels{"outcome": outcome},
		}, func() float64 { return float64(of(cache.Stats())) }))
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "millwright_boot_image_cache_bytes", Help: "Bytes that the copy of an upstream's images holds.",
	}, func() float64 { return float64(cache.Stats().Bytes) }))
	return m
}

func (m *imageMeter) busy() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return float64(len(m.clients))
}

// meter counts an answer's bytes as they leave.
func (m *imageMeter) meter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := source(r)
		m.enter(from)
		defer m.leave(from)
		next.ServeHTTP(&metered{w, m.bytes}, r)
	})
}

func (m *imageMeter) enter(from netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients[from]++
}

func (m *imageMeter) leave(from netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clients[from]--; m.clients[from] == 0 {
		delete(m.clients, from)
	}
}

// metered counts what is written.
type metered struct {
	http.ResponseWriter
	bytes prometheus.Counter
}

func (w *metered) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes.Add(float64(n))
	return n, err
}

// ReadFrom keeps the kernel's sendfile in reach.
func (w *metered) ReadFrom(from io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, from)
	w.bytes.Add(float64(n))
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *metered) Unwrap() http.ResponseWriter { return w.ResponseWriter }

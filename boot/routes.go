package main

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"millwright/internal/agent"
	"millwright/internal/dhcp"
	"millwright/internal/metadata"
)

// routes is all that machines may ask. Patterns with GET answer HEAD too,
// which UEFI HTTP boot sends first.
func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /boot.ipxe", s.script)
	for _, name := range []string{dhcp.FileUEFI, dhcp.FileArm64} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, s.openIPXE, name) })
	}
	mux.HandleFunc("GET /agent-files/{file...}", serveFolder(s.agentFiles))
	mux.Handle("GET "+agent.PathImages, s.serveImages())

	mux.HandleFunc("POST "+agent.PathUp, s.asAgent(s.up))
	mux.HandleFunc("GET "+agent.PathJob, s.asAgent(s.job))
	mux.HandleFunc("POST "+agent.PathReport, s.asAgent(s.reported))
	mux.HandleFunc("POST "+agent.PathStep, s.asAgent(s.step))
	mux.HandleFunc("POST "+agent.PathLog, s.asAgent(s.journal))
	mux.HandleFunc("GET "+agent.PathNoise, s.asAgent(s.noise))
	mux.HandleFunc("POST "+agent.PathNoise, s.asAgent(s.noise))

	about := metadata.Handler(s.occupant, s.URL)
	mux.Handle("GET /metadata", about)
	mux.Handle("GET /userdata", about)
	mux.Handle("GET /2009-04-04/", about)
	mux.HandleFunc("POST /phone-home", s.phoneHome)
	mux.HandleFunc("POST /events", s.userState)
	mux.HandleFunc("POST /phone-home/events", s.userState) // afterburn of old, without a query
	return s.asOneFamily(s.logged(mux))
}

// serveFolder serves what lies in a folder; Root keeps every path, links
// included, within it.
func serveFolder(root *os.Root) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, root.Open, r.PathValue("file")) }
}

// serveFile serves one file with ranges, so that an agent can go on where a
// connection broke.
func serveFile(w http.ResponseWriter, r *http.Request, open func(string) (*os.File, error), name string) {
	f, err := open(name)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	// Images are not of a type that a machine should sniff.
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, name, info.ModTime(), f)
}

// logged notes each request: its path and never its query or headers, where
// secrets could be.
func (s *service) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := &recorder{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(answer, r)
		took := time.Since(began)
		s.metrics.http.WithLabelValues(routeOf(r), strconv.Itoa(answer.code)).Observe(took.Seconds())
		s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "from", source(r), "code", answer.code, "took", took)
	})
}

// routeOf is the pattern that matched, never the path that a machine chose.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern
}

// recorder remembers the status code.
type recorder struct {
	http.ResponseWriter
	code int
}

func (w *recorder) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// ReadFrom keeps the kernel's sendfile in reach: images are gigabytes.
func (w *recorder) ReadFrom(from io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, from) }

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

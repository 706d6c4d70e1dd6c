package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"millwright/internal/postgres"
)

// buckets span a device's life in seconds: a transaction, a commit, a POST.
var buckets = []float64{0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 3600}

// sdkMetrics lets the Temporal SDK, and workflow code through it, write to the
// registry. It counts nothing twice when a history is replayed.
func sdkMetrics(registry prometheus.Registerer) (client.MetricsHandler, error) {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	histograms := metric.NewView(metric.Instrument{Kind: metric.InstrumentKindHistogram},
		metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: buckets}})
	provider := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(histograms))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: provider.Meter("millwright")}), nil
}

// counting counts activity attempts by name and how they ended, which the SDK's
// own metrics do not tell apart by our error types.
type counting struct {
	interceptor.WorkerInterceptorBase
	seconds  *prometheus.HistogramVec
	failures *prometheus.CounterVec
}

func newCounting(registry prometheus.Registerer) *counting {
	c := &counting{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "millwright_activity_attempt_duration_seconds", Buckets: buckets,
			Help: "Time that one attempt of an activity took.",
		}, []string{"activity", "outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millwright_activity_failures_total",
			Help: "Failed attempts of activities by error type; type weather is tried again.",
		}, []string{"activity", "type"}),
	}
	registry.MustRegister(c.seconds, c.failures)
	return c
}

// InterceptActivity puts the counting around an activity.
func (c *counting) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	counted := &countedActivity{counting: c}
	counted.Next = next
	return counted
}

type countedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	*counting
}

// ExecuteActivity counts one attempt.
func (c *countedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	name, began := activity.GetInfo(ctx).ActivityType.Name, time.Now()
	result, err := c.Next.ExecuteActivity(ctx, in)
	outcome := "done"
	if err != nil {
		outcome = "failed"
		c.failures.WithLabelValues(name, failureType(err)).Inc()
	}
	c.seconds.WithLabelValues(name, outcome).Observe(time.Since(began).Seconds())
	return result, err
}

func failureType(err error) string {
	var application *temporal.ApplicationError
	switch {
	case errors.As(err, &application) && application.Type() != "":
		return application.Type()
	case errors.Is(err, context.Canceled):
		return "Canceled"
	}
	return "weather"
}

// serveAdmin serves /metrics and /healthz until ctx ends, and profiles if it is
// told to.
func serveAdmin(ctx context.Context, cfg Config, registry *prometheus.Registry, store *postgres.Store, log *slog.Logger) (*http.Server, error) {
	listener, err := net.Listen("tcp", cfg.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics and health on %s: %w", cfg.AdminListen, err)
	}
	mux := http.NewServeMux()
	if cfg.Profile {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := store.Ping(ctx); err != nil {
			http.Error(w, "postgres does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	server := &http.Server{Addr: listener.Addr().String(), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.ErrorContext(ctx, "serve metrics and health", "address", cfg.AdminListen, "error", err)
		}
	}()
	return server, nil
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"millwright/internal/line"
)

// listen opens every socket of the lab, and serves it until ctx ends.
func (l *Lab) listen(ctx context.Context) error {
	for i, s := range l.config.Site.Switches {
		if err := l.serve(ctx, "switch/"+string(s.ID), s.Address, "830", l.switches[i].Serve); err != nil {
			return err
		}
	}
	for i, m := range l.config.Site.Machines {
		if err := l.serve(ctx, "bmc/"+string(m.ID), m.BMC.Address, "443", l.bmcs[i].Serve); err != nil {
			return err
		}
	}
	if l.config.API == "" {
		return nil
	}
	return l.serve(ctx, "API", l.config.API, "80", l.serveAPI)
}

func (l *Lab) serve(ctx context.Context, what, address, usual string, with func(context.Context, net.Listener) error) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, usual)
	}
	listener, err := line.Listen(address)
	if err != nil {
		return fmt.Errorf("lab: %s: listen: %w", what, err)
	}
	l.lines[what] = listener
	l.serving.Go(func() {
		if err := with(ctx, listener); err != nil && ctx.Err() == nil {
			l.config.Log.Error("stopped serving", "what", what, "err", err)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.failed = append(l.failed, fmt.Errorf("lab: %s: %w", what, err))
		}
	})
	return nil
}

// Line is what a switch or BMC ("switch/tor-r1", "bmc/m3") is reached by: cut it,
// and the part itself notices nothing but clients that leave.
func (l *Lab) Line(target string) (*line.Listener, error) {
	if found := l.lines[target]; found != nil {
		return found, nil
	}
	return nil, l.unknownTarget(target)
}

func (l *Lab) serveAPI(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: l.API(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		// Whoever reads the state at this moment may finish; a second is plenty.
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(end)
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

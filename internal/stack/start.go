package stack

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

func (s *Stack) startPostgresAlone(ctx context.Context) error {
	template, err := templatePath(s.cache(), "postgres", filepath.Join(s.cluster.programs, "postgres"))
	if err != nil {
		return err
	}
	return s.startPostgres(ctx, template, func(ctx context.Context) error { return ensureOwn(ctx, s.cluster) })
}

func (s *Stack) startAll(ctx context.Context) error {
	s.server = &server{bin: s.cfg.Bin, home: s.Dir, postgres: s.cluster}
	template, err := templatePath(s.cache(), "temporal", filepath.Join(s.cluster.programs, "postgres"),
		filepath.Join(s.cfg.Bin, "temporal-server"), filepath.Join(s.cfg.Bin, "temporal-sql-tool"))
	if err != nil {
		return err
	}
	if err := s.startPostgres(ctx, template, s.fill); err != nil {
		return err
	}
	if err := s.startTemporal(ctx); err != nil {
		return err
	}
	if s.cfg.UI {
		return s.startUI(ctx)
	}
	return nil
}

// fill makes every database of a whole stack.
func (s *Stack) fill(ctx context.Context) error {
	if err := ensureOwn(ctx, s.cluster); err != nil {
		return err
	}
	return s.server.ensure(ctx)
}

// startPostgres serves the data of an earlier stack, or a copy of the
// template; without either it makes both.
func (s *Stack) startPostgres(ctx context.Context, template string, fill func(context.Context) error) error {
	if isFolder(s.cluster.data()) {
		if err := s.servePostgres(ctx); err != nil {
			return err
		}
		return fill(ctx) // the programs may be newer than the data
	}
	if isFolder(template) && s.cluster.restore(template) == nil {
		return s.servePostgres(ctx)
	}
	if err := s.cluster.create(ctx); err != nil {
		return err
	}
	if err := s.servePostgres(ctx); err != nil {
		return err
	}
	if err := fill(ctx); err != nil {
		return err
	}
	if err := s.Postgres.end(ctx, syscall.SIGINT); err != nil {
		return err
	}
	if err := s.cluster.keep(template); err != nil {
		s.cfg.Log.Warn("the next start will be as slow as this one", "error", err)
	}
	return s.Postgres.Start(ctx)
}

func (s *Stack) servePostgres(ctx context.Context) error {
	// SIGQUIT is Postgres' immediate shutdown: it takes its own processes and
	// shared memory with it, which after a SIGKILL would stay.
	s.Postgres = s.part("postgres", s.cluster.serve, s.cluster.answers, syscall.SIGQUIT)
	err := withPorts([]int{s.cfg.PostgresPort}, func(ports []int) error {
		s.cluster.port = ports[0]
		return s.launch(ctx, s.Postgres)
	})
	if err == nil {
		s.DSN, err = s.cluster.dsn(ownDatabase)
	}
	return err
}

func (s *Stack) startTemporal(ctx context.Context) error {
	var err error
	if s.server.database, err = s.via("temporal", "postgres", address(s.cluster.port)); err != nil {
		return err
	}
	s.Temporal = s.part("temporal-server", s.server.serve, s.server.answers, syscall.SIGKILL)
	wanted := make([]int, serverPorts)
	wanted[0] = s.cfg.FrontendPort
	return withPorts(wanted, func(ports []int) error {
		s.server.ports = ports
		s.Frontend = s.server.frontend()
		if err := s.server.configure(); err != nil {
			return err
		}
		return s.launch(ctx, s.Temporal)
	})
}

// via is the address under which a part reaches another one.
func (s *Stack) via(from, to, address string) (string, error) {
	if s.cfg.Via == nil {
		return address, nil
	}
	return s.cfg.Via(from, to, address)
}

// Settle makes Temporal as thrifty as a production server, within seconds. A
// namespace or search attribute that is made from then on is seen later.
func (s *Stack) Settle() error { return s.server.settle() }

func (s *Stack) startUI(ctx context.Context) error {
	web := &ui{bin: s.cfg.Bin, home: s.Dir, frontend: s.Frontend}
	s.UI = s.part("temporal-ui", web.serve, web.answers, syscall.SIGKILL)
	return withPorts([]int{s.cfg.UIPort}, func(ports []int) error {
		web.port = ports[0]
		s.UIURL = web.url()
		if err := web.configure(); err != nil {
			return err
		}
		return s.launch(ctx, s.UI)
	})
}

func (s *Stack) part(name string, command func() *exec.Cmd, ready func(context.Context) error, death syscall.Signal) *Part {
	return &Part{
		name: name, command: command, ready: ready, death: death,
		log: filepath.Join(s.Dir, name+".log"), lost: s.lost,
	}
}

// launch starts a part and says how long it took.
func (s *Stack) launch(ctx context.Context, p *Part) error {
	began := time.Now()
	if err := p.Start(ctx); err != nil {
		return err
	}
	s.cfg.Log.Info("started", "part", p.name, "pid", p.PID(), "took", time.Since(began).Round(time.Millisecond), "log", p.log)
	return nil
}

// withPorts calls start with the wanted ports, and a free one for each that is
// zero. A wanted port that is taken is an error: another one would surprise
// whoever wanted it.
func withPorts(wanted []int, start func([]int) error) error {
	return onFreePorts(len(wanted), func(ports []int) error {
		for i, port := range wanted {
			if port == 0 {
				continue
			}
			if err := probe(port); err != nil {
				return err
			}
			ports[i] = port
		}
		return start(ports)
	})
}

// cache is the folder of the templates: beside the programs, so that
// `make clean` takes it along.
func (s *Stack) cache() string { return filepath.Join(s.cfg.Bin, ".templates") }

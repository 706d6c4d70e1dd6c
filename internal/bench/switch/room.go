package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"

	"millwright/internal/junos"
	"millwright/internal/lab"
	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/sitefile"
	"millwright/internal/stack"
)

const (
	user = "millwright"
	// claimers is how many devices are given machines at once, before anything
	// is measured.
	claimers = 8
)

// bench is one Postgres, and what serves on loopback beside it.
type bench struct {
	stack    *stack.Stack
	store    *postgres.Store
	driver   *junos.Driver
	password string
	serving  sync.WaitGroup
	end      context.CancelFunc
	ctx      context.Context // of the switches
}

func start(ctx context.Context) (*bench, error) {
	s, err := stack.StartPostgres(ctx, stack.Config{})
	if err != nil {
		return nil, err
	}
	b := &bench{stack: s, password: rand.Text()}
	b.ctx, b.end = context.WithCancel(ctx)
	b.driver = &junos.Driver{Credentials: func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{User: user, Password: b.password}, nil
	}}
	if err := postgres.Migrate(ctx, s.DSN); err != nil {
		return nil, errors.Join(err, b.stop())
	}
	if b.store, err = postgres.Open(ctx, s.DSN); err != nil {
		return nil, errors.Join(err, b.stop())
	}
	return b, nil
}

func (b *bench) stop() error {
	b.end()
	b.serving.Wait()
	if b.store != nil {
		b.store.Close()
	}
	return b.stack.Stop(context.Background())
}

// room is a site with its switches, and a device on each machine whose port is
// parked.
type room struct {
	*bench
	site     *sitefile.Site
	switches []*netconf.Switch
	claims   []metal.Claim
}

// room makes one, in a /16 of loopback of its own.
func (b *bench) room(ctx context.Context, name string, machines, racks int) (*room, error) {
	nets := map[string]int{"one": 60, "many": 61}
	site, err := lab.Generate(lab.Size{Name: name, Prefix: name + "-", Machines: machines, Racks: racks, Net: nets[name]})
	if err != nil {
		return nil, err
	}
	r := &room{bench: b, site: site}
	for i := range site.Switches {
		if err := r.serve(&site.Switches[i]); err != nil {
			return nil, err
		}
	}
	if _, err := b.store.ImportSite(ctx, site); err != nil {
		return nil, err
	}
	return r, r.occupy(ctx, machines)
}

// serve starts a switch of the site, and notes where it listens.
func (r *room) serve(sw *sitefile.Switch) error {
	s, err := netconf.New(netconf.Config{Name: string(sw.ID), User: user, Password: r.password, CommitDelay: commitTakes})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for switch %s: %w", sw.ID, err)
	}
	sw.Address = listener.Addr().String()
	r.switches = append(r.switches, s)
	r.serving.Go(func() { _ = s.Serve(r.ctx, listener) }) // a switch that is gone shows at its ports
	return nil
}

// occupy orders devices, and claims a machine for each.
func (r *room) occupy(ctx context.Context, machines int) error {
	r.claims = make([]metal.Claim, machines)
	errs := make([]error, claimers)
	var side sync.WaitGroup
	for c := range claimers {
		side.Go(func() {
			for i := c; i < machines && errs[c] == nil; i += claimers {
				r.claims[i], errs[c] = r.claim(ctx, i)
			}
		})
	}
	side.Wait()
	return errors.Join(errs...)
}

func (r *room) claim(ctx context.Context, i int) (metal.Claim, error) {
	order, err := metal.ParseOrder(metal.OrderID(fmt.Sprintf("%s-%d", r.site.ID, i)), fmt.Appendf(nil,
		`{"action":"provision","project":"bench","site":%q,"plan":"c1.small","operating_system":"debian_12"}`, r.site.ID))
	if err != nil {
		return metal.Claim{}, err
	}
	if _, err := r.store.RecordOrder(ctx, order); err != nil {
		return metal.Claim{}, err
	}
	for try := 1; ; try++ { // others claim at this moment: Temporal would try again, too
		held, err := r.store.ClaimMachine(ctx, order.Device, order.ID)
		if err == nil || try == 10 {
			return held.Claim, err
		}
	}
}

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// EnableBGP lets a project's devices speak BGP. A key that operators gave it
// stays. Another AS number is refused while sessions are on.
func (s *Store) EnableBGP(ctx context.Context, c metal.Request, b metal.ProjectBGP) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if err := openProject(ctx, q, b.Project); err != nil {
			return "", err
		}
		was, err := q.ProjectBGP(ctx, string(b.Project))
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return "", fmt.Errorf("BGP of project %s: %w", b.Project, err)
		}
		n, err := q.EnableProjectBGP(ctx, query.EnableProjectBGPParams{Project: string(b.Project), Deployment: b.Deployment, PeerAs: int64(b.AS), Secret: was.Secret})
		switch {
		case err != nil:
			return "", fmt.Errorf("BGP of project %s: %w", b.Project, err)
		case n == 0:
			return "", fmt.Errorf("asn: sessions are on with AS %d; delete them first: %w", was.PeerAs, metal.ErrInUse)
		}
		if err := q.SetUseCase(ctx, query.SetUseCaseParams{Project: string(b.Project), UseCase: b.UseCase}); err != nil {
			return "", fmt.Errorf("BGP of project %s: %w", b.Project, err)
		}
		return "", projectEvent(ctx, q, b.Project, "bgp_config.enabled", "BGP enabled for AS %d (%s)", b.AS, b.Deployment)
	})
}

// OpenPeering turns a device's BGP session of one family on. Its ports are left
// to be brought.
func (s *Store) OpenPeering(ctx context.Context, c metal.Request, p metal.Peering) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		d, err := lockDevice(ctx, q, p.Device)
		if err != nil {
			return "", err
		}
		if d.NetworkFrozen {
			return "", frozen(p.Device)
		}
		if err := mayPeer(ctx, q, d); err != nil {
			return "", err
		}
		n, err := q.OpenSessionAs(ctx, query.OpenSessionAsParams{ID: p.ID, Device: d.ID, Family: int32(p.Family), DefaultRoute: p.DefaultRoute})
		switch {
		case err != nil:
			return "", fmt.Errorf("open a BGP session of device %s: %w", d.ID, err)
		case n == 0: // the Kubernetes providers look for these words
			return "", fmt.Errorf("address_family: the device already has session of IPv%d: %w", p.Family, metal.ErrInUse)
		}
		if _, err := bump(ctx, q, "BGP of device "+d.ID, p.Device); err != nil {
			return "", err
		}
		return "/bgp/sessions/" + p.ID, event(ctx, q, metal.Claim{Device: p.Device}, "bgp_session.created", "BGP session of IPv%d created", p.Family)
	})
}

// SetDefaultRoute notes whether a tenant wants a default route in its session.
func (s *Store) SetDefaultRoute(ctx context.Context, c metal.Request, id string, want bool) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.SetDefaultRoute(ctx, query.SetDefaultRouteParams{ID: id, DefaultRoute: want})
		return "/bgp/sessions/" + id, changedOne(n, err, "BGP session %s", id)
	})
}

// ClosePeering turns a session off. Its device's ports are left to be brought.
func (s *Store) ClosePeering(ctx context.Context, c metal.Request, p metal.Peering) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		d, err := lockDevice(ctx, q, p.Device)
		switch {
		case err != nil:
			return "", err
		case d.NetworkFrozen:
			return "", frozen(p.Device)
		}
		if err := q.CloseSession(ctx, query.CloseSessionParams{Device: d.ID, Family: int32(p.Family)}); err != nil {
			return "", fmt.Errorf("close the IPv%d session of device %s: %w", p.Family, d.ID, err)
		}
		if _, err := bump(ctx, q, "BGP of device "+d.ID, p.Device); err != nil {
			return "", err
		}
		return "/bgp/sessions/" + p.ID, event(ctx, q, metal.Claim{Device: p.Device}, "bgp_session.deleted", "BGP session of IPv%d deleted", p.Family)
	})
}

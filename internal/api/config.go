package api

import (
	"context"
	"log/slog"
	"time"

	"millwright/internal/metal"
)

// Config is what the API needs.
type Config struct {
	Store   Store
	Runs    Runs
	Log     *slog.Logger
	Observe func(route string, code int, took time.Duration) // nil: nobody counts
	Limits  *Limits                                          // of how often somebody may ask; nil: none

	WebhookRules WebhookRules // nil: no webhooks
}

// Store is Postgres. Each noun's file says what it needs of it.
type Store interface {
	Gate
	Usages
	Devices
	DeviceOrders
	Batches
	Events
	Webhooks
	Deliveries
	Users
	Projects
	SSHKeys
	Organizations
	APIKeys
	Memberships
	Invitations
	Addresses
	Reservations
	Assigning
	BGP
	Catalogue
	Stock
	Hardware
	Changes
	Quotas
	Ports
}

// Gate is what every request asks of the store: who is it, whose is it, what
// may they, was it done before.
type Gate interface {
	Caller(ctx context.Context, key string) (metal.Caller, error)
	Whereabouts(ctx context.Context, kind, id string) (metal.Scope, error)
	Roles(context.Context, metal.Caller, metal.Scope) ([]metal.MemberRole, error)
	Records
}

// Records is what is kept of changes.
type Records interface {
	Done(context.Context, metal.Request) (metal.Done, error)
	Refused(ctx context.Context, c metal.Request, code int, why string) error
}

// Runs is Temporal. What is asked of it stands in the database by then: when it
// does not answer, reconcile starts what was not started.
type Runs interface {
	StartOrder(ctx context.Context, order metal.OrderID, input []byte) error
	// BringDevice has the ports of a device brought to what they should be.
	BringDevice(ctx context.Context, device metal.DeviceID) error
}

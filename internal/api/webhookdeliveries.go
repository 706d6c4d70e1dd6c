package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Deliveries are messages to tenants' endpoints.
type Deliveries interface {
	Deliveries(ctx context.Context, id metal.WebhookID, state metal.DeliveryState, page metal.Page) ([]metal.Delivery, int, error)
	Delivery(ctx context.Context, webhook metal.WebhookID, id metal.DeliveryID) (metal.Delivery, error)
	TestWebhook(ctx context.Context, c metal.Request, webhook metal.WebhookID, id metal.DeliveryID) error
	ReplayDelivery(ctx context.Context, c metal.Request, webhook metal.WebhookID, id metal.DeliveryID) error
}

func (s *server) deliveryRoutes() []route {
	return []route{
		{method: http.MethodPost, path: "/webhooks/{id}/test", verb: access.Operate, kind: access.Webhook, code: http.StatusCreated,
			does: "Send a webhook a message that is about no event", out: deliveryWire{}, handle: s.testWebhook},
		{method: http.MethodGet, path: "/webhooks/{id}/deliveries", verb: access.See, kind: access.Webhook, code: http.StatusOK,
			does: "List what was and is being delivered to a webhook; newest first, by state", out: deliveryList{}, handle: s.listDeliveries},
		{method: http.MethodGet, path: "/webhooks/{id}/deliveries/{delivery}", verb: access.See, kind: access.Webhook, code: http.StatusOK,
			does: "Show how far a delivery is", out: deliveryWire{}, handle: s.showDelivery},
		{method: http.MethodPost, path: "/webhooks/{id}/deliveries/{delivery}/replay", verb: access.Operate, kind: access.Webhook, code: http.StatusOK,
			does: "Deliver again, under the same webhook-id", out: deliveryWire{}, handle: s.replayDelivery},
	}
}

func deliveryID(c *call) metal.DeliveryID { return metal.DeliveryID(c.request.PathValue("delivery")) }

func (s *server) testWebhook(c *call) (any, error) {
	if _, err := s.rules(); err != nil {
		return nil, err
	}
	id := metal.DeliveryID("msg_" + strings.ReplaceAll(uuid.NewString(), "-", ""))
	if err := s.Store.TestWebhook(c.ctx, c.change(), webhookID(c), id); err != nil {
		return nil, err
	}
	return s.delivery(c, id)
}

func (s *server) delivery(c *call, id metal.DeliveryID) (any, error) {
	d, err := s.Store.Delivery(c.ctx, webhookID(c), id)
	if err != nil {
		return nil, err
	}
	return toDelivery(d), nil
}

func (s *server) showDelivery(c *call) (any, error) { return s.delivery(c, deliveryID(c)) }

func (s *server) replayDelivery(c *call) (any, error) {
	if _, err := s.rules(); err != nil {
		return nil, err
	}
	if err := s.Store.ReplayDelivery(c.ctx, c.change(), webhookID(c), deliveryID(c)); err != nil {
		return nil, err
	}
	return s.delivery(c, deliveryID(c))
}

func (s *server) listDeliveries(c *call) (any, error) {
	page, err := c.page()
	if err != nil {
		return nil, err
	}
	state := metal.DeliveryState(c.query("state"))
	if !slices.Contains([]metal.DeliveryState{"", metal.Due, metal.Delivered, metal.Undone}, state) {
		return nil, unprocessable("state: %q is none; want due, delivered or failed", state)
	}
	all, total, err := s.Store.Deliveries(c.ctx, webhookID(c), state, page)
	if err != nil {
		return nil, err
	}
	list := deliveryList{Deliveries: make([]deliveryWire, len(all)), Meta: c.meta(page, total)}
	for i, d := range all {
		list.Deliveries[i] = toDelivery(d)
	}
	return list, nil
}

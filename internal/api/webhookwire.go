package api

import "millwright/internal/metal"

// maxDescription is in characters.
const maxDescription = 255

// webhookWire is an endpoint as its owners read it. Its secret is in it once:
// in the answer that made it.
type webhookWire struct {
	ID           string   `json:"id"`
	URL          string   `json:"url"`
	Description  string   `json:"description"`
	Types        []string `json:"types"`
	Enabled      bool     `json:"enabled"`
	Reason       string   `json:"reason,omitempty"`
	FailingSince *string  `json:"failing_since"`
	Secret       string   `json:"secret,omitempty"`
	Project      href     `json:"project"`
	CreatedAt    *string  `json:"created_at"`
	UpdatedAt    *string  `json:"updated_at"`
	Href         string   `json:"href"`
}

type webhookList struct {
	Webhooks []webhookWire `json:"webhooks"`
	Meta     meta          `json:"meta"`
}

// webhookInput is what may be said of an endpoint. What is left out stays, and
// an empty list of types means all.
type webhookInput struct {
	URL         *string   `json:"url"`
	Description *string   `json:"description"`
	Types       *[]string `json:"types"`
}

// deliveryWire is a message to an endpoint, as far as it is.
type deliveryWire struct {
	ID          string  `json:"id"` // webhook-id, at every attempt
	Type        string  `json:"type"`
	State       string  `json:"state"`
	Attempts    int     `json:"attempts"`
	Code        *int    `json:"code"` // of the last answer
	Outcome     string  `json:"outcome"`
	Event       *href   `json:"event"` // null: a test
	Webhook     href    `json:"webhook"`
	CreatedAt   *string `json:"created_at"`
	NextAttempt *string `json:"next_attempt_at"`
	EndedAt     *string `json:"ended_at"`
	Href        string  `json:"href"`
}

type deliveryList struct {
	Deliveries []deliveryWire `json:"deliveries"`
	Meta       meta           `json:"meta"`
}

func toWebhook(w metal.Webhook) webhookWire {
	wire := webhookWire{
		ID: string(w.ID), URL: w.URL, Description: w.Description, Types: w.Types, Enabled: w.Disabled.IsZero(), Reason: w.Reason,
		FailingSince: stamp(w.FailingSince), Project: href{link("projects", string(w.Project))},
		CreatedAt: stamp(w.Created), UpdatedAt: stamp(w.Changed), Href: link("webhooks", string(w.ID)),
	}
	if wire.Types == nil {
		wire.Types = []string{}
	}
	return wire
}

func toDelivery(d metal.Delivery) deliveryWire {
	wire := deliveryWire{
		ID: string(d.ID), Type: d.Type, State: string(d.State), Attempts: d.Attempts, Outcome: d.Outcome,
		Webhook: href{link("webhooks", string(d.Webhook))}, CreatedAt: stamp(d.Made), EndedAt: stamp(d.Ended),
		Href: link("webhooks", string(d.Webhook), "deliveries", string(d.ID)),
	}
	if d.Code != 0 {
		wire.Code = &d.Code
	}
	if d.State == metal.Due {
		wire.NextAttempt = stamp(d.Next)
	}
	if d.Event == 0 {
		wire.Type = metal.TestEvent
	} else {
		wire.Event = &href{link("events", metal.EventID(d.Event))}
	}
	return wire
}

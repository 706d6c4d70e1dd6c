package metal

import (
	"cmp"
	"strings"
	"time"
)

// apiBase is where hrefs begin; the API's own constant, which a test compares.
const apiBase = "/metal/v1"

// EventNotice is an event as the API and webhooks tell it. Fields that the
// Packet API has and nobody here fills are null in it.
type EventNotice struct {
	ID            *string     `json:"id"` // null: it has not happened yet
	Type          string      `json:"type"`
	Body          string      `json:"body"`
	State         *string     `json:"state"`
	Interpolated  string      `json:"interpolated"`
	Relationships []EventLink `json:"relationships"` // its device, then its project
	CreatedAt     *string     `json:"created_at"`
	ModifiedBy    *EventLink  `json:"modified_by"`
	IP            *string     `json:"ip"`
	Href          *string     `json:"href,omitempty"`
}

// EventLink is the path of a thing that an event is about.
type EventLink struct {
	Href string `json:"href"`
}

// Notice is what a tenant reads of an event, or what an operator does: the
// sentence as it was written, under the installation's own word where the API
// has none.
func (e Event) Notice(operator bool) EventNotice {
	typ, words := e.Type, e.Words
	if operator {
		typ, words = cmp.Or(e.Type, e.Kind), e.Body
	}
	id := EventID(e.Number)
	at, href := e.At.UTC().Format(time.RFC3339), apiBase+"/events/"+id
	n := EventNotice{ID: &id, Type: typ, Body: words, Interpolated: words, CreatedAt: &at, Href: &href, Relationships: []EventLink{}}
	if e.Device != "" {
		n.Relationships = append(n.Relationships, EventLink{apiBase + "/devices/" + string(e.Device)})
	}
	if e.Project != "" {
		n.Relationships = append(n.Relationships, EventLink{apiBase + "/projects/" + string(e.Project)})
	}
	return n
}

// ProvisioningSteps are the steps of a device's provision in their order, as
// clients read them before they have happened.
func ProvisioningSteps() []EventNotice {
	var steps []EventNotice
	for _, t := range eventTypes {
		if !strings.HasPrefix(t.typ, "provisioning.") || len(steps) > 0 && steps[len(steps)-1].Type == t.typ {
			continue
		}
		steps = append(steps, EventNotice{Type: t.typ, Body: t.tenant, Interpolated: t.tenant, Relationships: []EventLink{}})
	}
	return steps
}

// TestNotice is what a message says that is about no event.
func TestNotice(p Posting) EventNotice {
	const words = "A test of this webhook"
	at := p.Made.UTC().Format(time.RFC3339)
	return EventNotice{Type: TestEvent, Body: words, Interpolated: words, CreatedAt: &at,
		Relationships: []EventLink{{apiBase + "/webhooks/" + string(p.Webhook)}, {apiBase + "/projects/" + string(p.Project)}}}
}

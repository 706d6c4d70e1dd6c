package metal

import "time"

// Identifiers of webhooks, which are lower-case UUIDs, and of what is delivered
// to them.
type (
	WebhookID  string
	DeliveryID string
)

// Webhook is a tenant's endpoint that is told of events of a project.
type Webhook struct {
	ID           WebhookID
	Project      ProjectID
	URL          string
	Description  string
	Types        []string // of events, "instance.*" for all that begin so; empty: all
	Created      time.Time
	Changed      time.Time
	Disabled     time.Time // zero while events are delivered
	Reason       string    // why it is disabled
	FailingSince time.Time // no delivery got through since then; zero: the last one did
}

// DeliveryState is how far a delivery is.
type DeliveryState string

const (
	Due       DeliveryState = "due"       // it will be tried, perhaps again
	Delivered DeliveryState = "delivered" // the endpoint answered 2xx
	Undone    DeliveryState = "failed"    // nobody tries any more, unless it is replayed
)

// Delivery is one event on its way to one webhook. Its ID is the message's,
// the same at every attempt, so that a receiver can tell repeats.
type Delivery struct {
	ID       DeliveryID
	Webhook  WebhookID
	Event    int64  // its number; zero: a test
	Type     string // of the event
	State    DeliveryState
	Attempts int
	Code     int    // of the last answer; zero: there was none
	Outcome  string // of the last attempt, in a sentence
	Made     time.Time
	Next     time.Time // when it is tried next
	Ended    time.Time
}

// DueDelivery is what a webhook's run does next. Its zero value says that there
// is nothing to do.
type DueDelivery struct {
	Delivery DeliveryID
	Attempts int // that failed so far
	Next     time.Time
}

// Posting is a delivery with all that an attempt needs.
type Posting struct {
	Delivery DeliveryID
	Webhook  WebhookID
	Project  ProjectID
	URL      string
	Sealed   [][]byte // secrets, each of which signs
	Event    Event    // its zero value is a test's
	Made     time.Time
}

// WebhookMessage is what one attempt sends, and by when it was sent.
type WebhookMessage struct {
	ID      DeliveryID
	Webhook WebhookID
	URL     string
	Sealed  [][]byte
	Time    time.Time
	Body    []byte // JSON
}

// Attempt is what came of one try to deliver.
type Attempt struct {
	Delivery  DeliveryID
	Number    int
	At        time.Time
	Next      time.Time // of the next try, if this one failed; zero: it was the last
	Code      int       // zero: no answer
	Outcome   string
	Delivered bool
	Gone      bool // the endpoint wants to hear nothing any more
}

// TestEvent is the type of a message that is about no event.
const TestEvent = "webhook.test"

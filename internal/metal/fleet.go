package metal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// FleetID is its orderer's own ID of a fleet.
type FleetID string

// FleetInput is what a Fleet is started with: many devices that are ordered as
// one. The workflow's ID is "fleet/" and the orderer's own ID; the same ID again
// finds the first outcome.
type FleetInput struct {
	Device   OrderInput `json:"device"`            // a provision without action, device and site; hosts are called <hostname>-1, -2, …
	Sites    []SiteID   `json:"sites"`             // the devices are dealt to them in turn; within a site racks are
	Quantity int        `json:"quantity"`          // 1 to 1000
	Enough   int        `json:"enough,omitempty"`  // with fewer active in time, all are given back; 0: all of them
	AtOnce   int        `json:"at_once,omitempty"` // how many runs are under way at a time; 0: 200
	Within   Wait       `json:"within,omitempty"`  // what is not active by then is given up; 0: 1h
}

const (
	mostInFleet   = 1000
	mostAtOnce    = 500
	defaultAtOnce = 200
	defaultWithin = Wait(time.Hour)
)

// Fleet is a fleet as it was ordered, checked as far as that goes without asking
// Postgres.
type Fleet struct {
	ID    FleetID
	Batch string // UUID, made from the ID
	Wish  FleetInput
	Input []byte // as it was given, in canonical JSON: a repeat must say the same
}

// ParseFleet reads a fleet strictly, as ParseOrder does an order.
func ParseFleet(id FleetID, raw []byte) (Fleet, error) {
	var in FleetInput
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return Fleet{}, fmt.Errorf("input: %s: %w", jsonProblem(err), ErrInvalidOrder)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Fleet{}, fmt.Errorf("input: more than one JSON object: %w", ErrInvalidOrder)
	}
	canonical, err := json.Marshal(in)
	if err != nil {
		return Fleet{}, fmt.Errorf("input: %w: %w", err, ErrInvalidOrder)
	}
	f := Fleet{ID: id, Batch: batchOf(id), Wish: in.withDefaults(), Input: canonical}
	if err := f.check(); err != nil {
		return Fleet{}, fmt.Errorf("%w: %w", err, ErrInvalidOrder)
	}
	return f, nil
}

func (in FleetInput) withDefaults() FleetInput {
	if in.Enough == 0 {
		in.Enough = in.Quantity
	}
	if in.AtOnce == 0 {
		in.AtOnce = defaultAtOnce
	}
	if in.Within == 0 {
		in.Within = defaultWithin
	}
	return in
}

// check names the first field that cannot be.
func (f Fleet) check() error {
	in := f.Wish
	if !orderID.MatchString(string(f.ID)) || len(f.ID) > 180 {
		return fmt.Errorf("fleet ID %q: want 1 to 180 of A-Z a-z 0-9 . _ : -", f.ID)
	}
	if in.Device.Action != "" || in.Device.Device != "" || in.Device.Site != "" || in.Device.Wait != 0 {
		return errors.New("device: leave out action, device, site and wait; the fleet gives each device its own")
	}
	for _, n := range []struct {
		field           string
		value, low, top int
	}{
		{"quantity", in.Quantity, 1, mostInFleet}, {"sites", len(in.Sites), 1, 100},
		{"enough", in.Enough, 1, max(in.Quantity, 1)}, {"at_once", in.AtOnce, 1, mostAtOnce},
	} {
		if n.value < n.low || n.value > n.top {
			return fmt.Errorf("%s: %d; want %d to %d", n.field, n.value, n.low, n.top)
		}
	}
	if err := in.Within.check(); err != nil {
		return fmt.Errorf("within: want up to %s", longestWait)
	}
	for n := range min(len(in.Sites), in.Quantity) {
		if _, err := f.Order(n); err != nil {
			return fmt.Errorf("device: %w", err)
		}
	}
	return nil
}

// Order is the n-th device's, from 0: the same each time that it is asked for.
func (f Fleet) Order(n int) (Order, error) {
	in := f.Wish.Device
	in.Action, in.Site, in.Wait = ActionProvision, f.Wish.Sites[n%len(f.Wish.Sites)], f.Wish.Within
	if in.Hostname != "" {
		in.Hostname = fmt.Sprintf("%s-%d", in.Hostname, n+1)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return Order{}, err
	}
	return ParseOrder(f.OrderID(n), raw)
}

// OrderID is the n-th order's own.
func (f Fleet) OrderID(n int) OrderID { return OrderID(fmt.Sprintf("%s.%04d", f.ID, n+1)) }

// Device is the n-th device's ID.
func (f Fleet) Device(n int) DeviceID { return deviceOf(f.OrderID(n)) }

// Site is where the n-th device is to be.
func (f Fleet) Site(n int) SiteID { return f.Wish.Sites[n%len(f.Wish.Sites)] }

// ReturnID is the ID of the order that gives the n-th device back.
func (f Fleet) ReturnID(n int) OrderID { return f.OrderID(n) + ".back" }

// Return is the order that gives the n-th device back.
func (f Fleet) Return(n int) (Order, error) {
	raw, err := json.Marshal(OrderInput{Action: ActionDeprovision, Device: f.Device(n)})
	if err != nil {
		return Order{}, err
	}
	return ParseOrder(f.ReturnID(n), raw)
}

func batchOf(id FleetID) string {
	h := sha256.Sum256([]byte("millwright fleet " + string(id)))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// FleetStatus is how a fleet stands.
type FleetStatus struct {
	Fleet    FleetID    `json:"fleet"`
	Batch    string     `json:"batch"`
	Project  ProjectID  `json:"project"`
	Plan     PlanID     `json:"plan"`
	State    string     `json:"state"`             // under way, done or failed
	Outcome  string     `json:"outcome,omitempty"` // once it has ended
	Quantity int        `json:"quantity"`
	Enough   int        `json:"enough"`
	Ordered  int        `json:"ordered"` // devices that were ordered so far
	Active   int        `json:"active"`
	Waiting  int        `json:"waiting"` // for a machine
	Failed   int        `json:"failed"`  // orders that ended without a device
	Open     int        `json:"open"`    // orders without an outcome, the waiting among them; those that give back, too
	Left     int        `json:"left"`    // devices that hold something
	Created  time.Time  `json:"created"`
	Deadline time.Time  `json:"deadline"`
	Ended    *time.Time `json:"ended,omitempty"`
}

// FleetDevice is one of a fleet's devices.
type FleetDevice struct {
	Device   DeviceID    `json:"device"`
	Hostname string      `json:"hostname"`
	Site     SiteID      `json:"site"`
	State    DeviceState `json:"state"`
	Machine  MachineID   `json:"machine,omitempty"`
	Reason   string      `json:"reason,omitempty"` // why it failed
}

// LostFleet is one whose run is to be started again.
type LostFleet struct {
	Fleet FleetID
	Input []byte
}

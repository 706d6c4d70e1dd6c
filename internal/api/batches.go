package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Batches is what the API needs to keep devices together that were ordered so.
type Batches interface {
	Batches(ctx context.Context, project metal.ProjectID, ids ...string) ([]metal.Batch, error)
	DropBatch(ctx context.Context, r metal.Request, id string, ends map[metal.DeviceID]metal.OrderID) ([]metal.GivenOrder, error)
}

// Batch is devices that were ordered together.
type Batch struct {
	ID            string   `json:"id"`
	Href          string   `json:"href"`
	State         string   `json:"state"` // in_progress, completed, failed
	Quantity      int      `json:"quantity"`
	ErrorMessages []string `json:"error_messages"`
	Project       href     `json:"project"`
	Devices       []href   `json:"devices"`
	CreatedAt     *string  `json:"created_at"`
	UpdatedAt     *string  `json:"updated_at"`
}

// BatchList is the answer to every list of batches.
type BatchList struct {
	Batches []Batch `json:"batches"`
}

// BatchInput is what several devices are ordered with.
type BatchInput struct {
	Batches []BatchOf `json:"batches"`
}

// BatchOf is devices that are alike.
type BatchOf struct {
	DeviceInput
	Quantity  int      `json:"quantity"`
	Hostnames []string `json:"hostnames,omitempty"`
	Spread    int      `json:"facility_diversity_level,omitempty"` // at how many sites at least
}

// maxBatch is how many devices one request may order.
const maxBatch = 100

func createBatches(c *call) (any, error) {
	var in BatchInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	all, err := c.batches(in)
	if err != nil {
		return nil, err
	}
	if err := c.order(all); err != nil {
		return nil, err
	}
	ids := make([]string, len(all.Batches))
	for i, b := range all.Batches {
		ids[i] = b.ID
	}
	return c.batchList(c.scope.Project, ids...)
}

func (c *call) batches(in BatchInput) (all metal.DeviceWishes, err error) {
	if len(in.Batches) == 0 {
		return all, unprocessable(`batches: missing; give a list of devices, each with its quantity`)
	}
	total := 0
	for i, of := range in.Batches {
		field := fmt.Sprintf("batches[%d].", i)
		if total += max(1, of.Quantity); of.Quantity < 1 || total > maxBatch {
			return all, unprocessable("%squantity: %d; at least 1, and at most %d in all", field, of.Quantity, maxBatch)
		}
		names, err := of.names()
		if err != nil {
			return all, unprocessable("%s", field+err.Error())
		}
		wish, err := c.wish(of.DeviceInput)
		if err != nil {
			return all, within(field, err)
		}
		if of.Quantity > 1 && wish.Reservation != "" && wish.Reservation != metal.NextAvailable {
			return all, unprocessable("%shardware_reservation_id: one machine is not enough for %d devices; say %s", field, of.Quantity, metal.NextAvailable)
		}
		batch := metal.Batch{ID: uuid.NewString(), Quantity: of.Quantity, Spread: of.Spread}
		all.Batches = append(all.Batches, batch)
		for _, name := range names {
			one := wish
			one.Batch, one.Order.Hostname, one.Order.Device = batch.ID, name, metal.DeviceID(uuid.NewString())
			all.Devices = append(all.Devices, one)
		}
	}
	return all, nil
}

// within names the part of the body that a refusal is about.
func within(field string, err error) error {
	said := refusalOf(err)
	if said.code != 422 || len(said.words) != 1 {
		return err
	}
	return unprocessable("%s", field+said.words[0])
}

// names are the host names of a batch: those that are given, or one with its
// number in the place of {{index}}, or after it.
func (of BatchOf) names() ([]string, error) {
	if n := len(of.Hostnames); n > 0 && n != of.Quantity {
		return nil, unprocessable("hostnames: %d for %d devices; give one for each, or none", n, of.Quantity)
	}
	names := make([]string, of.Quantity)
	copy(names, of.Hostnames)
	if len(of.Hostnames) > 0 || of.Hostname == "" {
		return names, nil
	}
	for i := range names {
		number := fmt.Sprintf("%02d", i+1)
		switch {
		case strings.Contains(of.Hostname, "{{index}}"):
			names[i] = strings.ReplaceAll(of.Hostname, "{{index}}", number)
		case of.Quantity == 1:
			names[i] = of.Hostname
		default:
			names[i] = of.Hostname + "-" + number
		}
	}
	return names, nil
}

func listBatches(c *call) (any, error) {
	return c.batchList(c.scope.Project, c.several("ids")...)
}

func getBatch(c *call) (any, error) {
	list, err := c.batchList(c.scope.Project, c.id())
	if err != nil {
		return nil, err
	}
	if len(list.Batches) == 0 {
		return nil, errNotFound()
	}
	return list.Batches[0], nil
}

func (c *call) batchList(project metal.ProjectID, ids ...string) (list BatchList, err error) {
	batches, err := c.server.Store.Batches(c.ctx, project, ids...)
	list.Batches = make([]Batch, len(batches))
	for i, b := range batches {
		list.Batches[i] = batchWire(b)
	}
	return list, err
}

func batchWire(b metal.Batch) Batch {
	w := Batch{
		ID: b.ID, Href: link("batches", b.ID), State: "completed", Quantity: b.Quantity, ErrorMessages: listed(b.Failures),
		Project: href{link("projects", string(b.Project))}, Devices: []href{}, CreatedAt: stamp(b.Created), UpdatedAt: stamp(b.Created),
	}
	for _, d := range b.Devices {
		w.Devices = append(w.Devices, href{link("devices", string(d))})
	}
	switch {
	case b.Waiting > 0:
		w.State = "in_progress"
	case len(b.Failures) > 0:
		w.State = "failed"
	}
	return w
}

func deleteBatch(c *call) (any, error) {
	too, err := c.flag("remove_associated_instances")
	if err != nil {
		return nil, err
	}
	ends := map[metal.DeviceID]metal.OrderID{}
	if too != nil && *too {
		batches, err := c.server.Store.Batches(c.ctx, c.scope.Project, c.id())
		if err != nil {
			return nil, err
		}
		if err := c.allowed(c.scope, access.Delete, access.Device); err != nil {
			return nil, err
		}
		for _, b := range batches {
			for _, d := range b.Devices {
				ends[d] = newOrder(metal.ActionDeprovision)
			}
		}
	}
	orders, err := c.server.Store.DropBatch(c.ctx, c.change(), c.id(), ends)
	if err != nil {
		return nil, err
	}
	c.start(orders...)
	return nil, nil
}

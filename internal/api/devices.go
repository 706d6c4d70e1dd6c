package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Devices is what the API reads of devices.
type Devices interface {
	DeviceView(context.Context, metal.DeviceID) (metal.DeviceView, error)
	FindDevices(context.Context, metal.DeviceFilter, metal.Page) ([]metal.DeviceView, int, error)
	ChooseKeys(context.Context, metal.KeyChoice) ([]metal.ChosenKey, error)
}

// DeviceOrders is what the API changes of devices.
type DeviceOrders interface {
	OrderDevices(context.Context, metal.Request, metal.DeviceWishes) ([]metal.GivenOrder, error)
	ActOnDevice(ctx context.Context, r metal.Request, id metal.OrderID, in metal.OrderInput, userData []byte) (metal.GivenOrder, error)
	DropDevice(ctx context.Context, r metal.Request, id metal.OrderID, device metal.DeviceID) (metal.GivenOrder, error)
	ChangeDevice(context.Context, metal.Request, metal.DeviceID, metal.DeviceChange) error
}

func (s *server) deviceRoutes() []route {
	return []route{
		{method: http.MethodPost, path: "/projects/{id}/devices", verb: access.Create, kind: access.Device, code: http.StatusCreated,
			does: "Order a device", in: DeviceInput{}, out: Device{}, handle: createDevice},
		{method: http.MethodGet, path: "/projects/{id}/devices", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "List a project's devices", out: DeviceList{}, handle: listDevices},
		{method: http.MethodGet, path: "/organizations/{id}/devices", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "List the devices of an organization's projects", out: DeviceList{}, handle: listDevices},
		{method: http.MethodGet, path: "/devices/{id}", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "Get a device", out: Device{}, handle: getDevice},
		{method: http.MethodPut, path: "/devices/{id}", verb: access.Alter, kind: access.Device, code: http.StatusOK,
			does: "Change a device, lock or unlock it, set when it ends", in: DeviceUpdate{}, out: Device{}, handle: updateDevice},
		{method: http.MethodPatch, path: "/devices/{id}", verb: access.Alter, kind: access.Device, code: http.StatusOK,
			does: "Change a device, as PUT does", in: DeviceUpdate{}, out: Device{}, handle: updateDevice},
		{method: http.MethodDelete, path: "/devices/{id}", verb: access.Delete, kind: access.Device, code: http.StatusNoContent,
			does: "Deprovision a device; its disks are erased", handle: deleteDevice},
		{method: http.MethodGet, path: "/devices/{id}/userdata", verb: access.See, kind: access.Secret, code: http.StatusOK,
			does: "Get a device's user data", out: Userdata{}, handle: getUserdata},
		{method: http.MethodGet, path: "/devices/{id}/customdata", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "Get a device's custom data", out: map[string]any{}, handle: getCustomdata},
		{method: http.MethodGet, path: "/devices/{id}/metadata", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "Get what a device's machine is told of it", out: Metadata{}, handle: getMetadata},
		{method: http.MethodGet, path: "/devices/{id}/ssh-keys", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "List the SSH keys that a device was ordered with", out: DeviceKeys{}, handle: listDeviceKeys},
		{method: http.MethodPost, path: "/projects/{id}/devices/batch", verb: access.Create, kind: access.Device, code: http.StatusCreated,
			does: "Order several devices, all or none", in: BatchInput{}, out: BatchList{}, handle: createBatches},
		{method: http.MethodGet, path: "/projects/{id}/batches", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "List what was ordered together", out: BatchList{}, handle: listBatches},
		{method: http.MethodGet, path: "/batches/{id}", verb: access.See, kind: access.Device, code: http.StatusOK,
			does: "Get what was ordered together", out: Batch{}, handle: getBatch},
		{method: http.MethodDelete, path: "/batches/{id}", verb: access.Delete, kind: access.Device, code: http.StatusNoContent,
			does: "Forget a batch; with remove_associated_instances its devices go too", handle: deleteBatch},
	}
}

func (c *call) device() (metal.DeviceView, error) {
	return c.server.Store.DeviceView(c.ctx, metal.DeviceID(c.id()))
}

func getDevice(c *call) (any, error) {
	view, err := c.device()
	if err != nil {
		return nil, err
	}
	return c.deviceWire(view)
}

func deleteDevice(c *call) (any, error) {
	given, err := c.server.Store.DropDevice(c.ctx, c.change(), newOrder(metal.ActionDeprovision), metal.DeviceID(c.id()))
	if err != nil {
		return nil, err
	}
	c.start(given)
	return nil, nil
}

// newOrder names an order that a request made.
func newOrder(action metal.Action) metal.OrderID {
	return metal.OrderID(string(action) + "-" + uuid.NewString())
}

// start starts the runs of orders. They stand in the database: what cannot be
// started now, reconcile starts, and nobody is held up by a Temporal that does
// not answer.
func (c *call) start(orders ...metal.GivenOrder) {
	for i, o := range orders {
		if o.ID == "" {
			continue
		}
		if err := c.server.Runs.StartOrder(c.ctx, o.ID, o.Input); err != nil {
			c.server.Log.Warn("orders stand, reconcile starts their runs", "order", o.ID, "orders", len(orders)-i, "request", c.answer.Get("X-Request-Id"), "error", err)
			return
		}
	}
}

// asked puts an error in the words of the API's fields, where the database knows
// them by others.
func asked(err error) error {
	if err == nil {
		return nil
	}
	said := refusalOf(err)
	if said.code != http.StatusUnprocessableEntity || len(said.words) != 1 {
		return err
	}
	for _, field := range [][2]string{{"user_data: ", "userdata: "}, {"custom_data: ", "customdata: "}, {"site: ", "facility: "}} {
		if rest, is := strings.CutPrefix(said.words[0], field[0]); is {
			return unprocessable("%s", field[1]+rest)
		}
	}
	return err
}

package metal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// OrderInput is what an Order is started with: by billing, by a script, by
// `temporal workflow start`. The workflow's ID is "order/" and the orderer's own
// ID; the same ID again finds the first outcome.
type OrderInput struct {
	Action Action `json:"action"` // provision, reinstall, deprovision, power-on, power-off, reboot, rescue

	// Device is a lower-case UUID. A provision may leave it out: it is then made
	// from the order's ID.
	Device DeviceID `json:"device,omitempty"`

	Project         ProjectID         `json:"project,omitempty"`          // provision: who pays
	Site            SiteID            `json:"site,omitempty"`             // provision
	Plan            PlanID            `json:"plan,omitempty"`             // provision
	OperatingSystem OperatingSystemID `json:"operating_system,omitempty"` // provision and reinstall
	Hostname        string            `json:"hostname,omitempty"`         // provision; made from the device's ID if left out
	SSHKeys         []string          `json:"ssh_keys,omitempty"`         // provision: authorized_keys lines
	Tags            []string          `json:"tags,omitempty"`             // provision
	UserData        string            `json:"user_data,omitempty"`        // provision: SHA-256 of what was stored before, lower-case hex

	// ScriptURL is where the tenant's own iPXE script is, for systems that boot
	// one; where it is empty, the user data is the script.
	ScriptURL  string          `json:"ipxe_script_url,omitempty"` // provision and reinstall
	AlwaysPXE  bool            `json:"always_pxe,omitempty"`      // provision: boot the script each time, not the first time only
	Storage    json.RawMessage `json:"storage,omitempty"`         // provision: layout of the disks, an object
	CustomData json.RawMessage `json:"custom_data,omitempty"`     // provision: an object for the device's metadata

	// Wait is how long the order waits for a machine where none is idle, in its
	// turn among all projects; 0: it fails at once.
	Wait Wait `json:"wait,omitempty"` // provision
}

// Order is what somebody wants of a device, checked as far as that goes
// without asking Postgres.
type Order struct {
	ID     OrderID
	Action Action
	Device DeviceID
	Wish   OrderInput
	Input  []byte // the order as it was given, in canonical JSON: a repeat must say the same
}

// ParseOrder reads an order strictly: an unknown or misspelt field is refused
// by name, and so is one that the action has no use for.
func ParseOrder(id OrderID, raw []byte) (Order, error) {
	var in OrderInput
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return Order{}, fmt.Errorf("input: %s: %w", jsonProblem(err), ErrInvalidOrder)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Order{}, fmt.Errorf("input: more than one JSON object: %w", ErrInvalidOrder)
	}
	canonical, err := json.Marshal(in)
	if err != nil {
		return Order{}, fmt.Errorf("input: %w: %w", err, ErrInvalidOrder)
	}
	in = in.withDefaults(id)
	if err := in.check(id); err != nil {
		return Order{}, fmt.Errorf("%w: %w", err, ErrInvalidOrder)
	}
	return Order{ID: id, Action: in.Action, Device: in.Device, Wish: in, Input: canonical}, nil
}

func jsonProblem(err error) string {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return "empty; want one JSON object"
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return fmt.Sprintf("%s: a JSON %s does not fit", wrongType.Field, wrongType.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func (in OrderInput) withDefaults(id OrderID) OrderInput {
	if in.Action != ActionProvision {
		return in
	}
	if in.Device == "" {
		in.Device = deviceOf(id)
	}
	if in.Hostname == "" {
		in.Hostname = "d-" + string(in.Device[:min(8, len(in.Device))])
	}
	return in
}

// deviceOf makes a device's ID from its order's, so that a repeat of the order
// means the same device: a version 8 UUID (RFC 9562, section 5.8).
func deviceOf(id OrderID) DeviceID {
	h := sha256.Sum256([]byte("millwright order " + string(id)))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return DeviceID(fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16]))
}

var (
	orderID  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$`)
	uuid     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	slug     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	hostname = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	sha256ID = regexp.MustCompile(`^[0-9a-f]{64}$`)
	sshKey   = regexp.MustCompile(`^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\x00-\x1f\x7f]*)?$`)
)

const (
	maxSSHKeys = 100
	maxTags    = 100
	maxTag     = 200 // bytes
)

// check names the first field that cannot be.
func (in OrderInput) check(id OrderID) error {
	if !orderID.MatchString(string(id)) {
		return fmt.Errorf("order ID %q: want 1 to 200 of A-Z a-z 0-9 . _ : -", id)
	}
	if !uuid.MatchString(string(in.Device)) {
		return fmt.Errorf("device: %q is no lower-case UUID", in.Device)
	}
	switch in.Action {
	case ActionProvision:
		return in.checkProvision()
	case ActionReinstall:
		return firstOf(in.only("operating_system", "ipxe_script_url"), matches("operating_system", string(in.OperatingSystem), slug), CheckScript(in.ScriptURL))
	case ActionDeprovision, ActionPowerOn, ActionPowerOff, ActionReboot, ActionRescue:
		return in.only()
	}
	return fmt.Errorf("action: %q is none of provision, reinstall, deprovision, power-on, power-off, reboot, rescue", in.Action)
}

func (in OrderInput) checkProvision() error {
	for _, f := range []struct {
		name, value string
		want        *regexp.Regexp
	}{
		{"project", string(in.Project), slug},
		{"site", string(in.Site), slug},
		{"plan", string(in.Plan), slug},
		{"operating_system", string(in.OperatingSystem), slug},
		{"hostname", in.Hostname, hostname},
	} {
		if err := matches(f.name, f.value, f.want); err != nil {
			return err
		}
	}
	if len(in.Hostname) > longestName {
		return fmt.Errorf("hostname: longer than %d bytes", longestName)
	}
	if in.UserData != "" && !sha256ID.MatchString(in.UserData) {
		return errors.New("user_data: want the SHA-256 of stored user data, 64 lower-case hex digits")
	}
	return firstOf(checkKeys(in.SSHKeys), checkTags(in.Tags), CheckScript(in.ScriptURL),
		checkObject("storage", in.Storage), checkObject("custom_data", in.CustomData), in.Wait.check())
}

// CheckHostname takes what a device can be called: its operating system knows
// itself by it.
func CheckHostname(name string) error {
	if len(name) > longestName {
		return fmt.Errorf("hostname: longer than %d bytes", longestName)
	}
	return matches("hostname", name, hostname)
}

const maxObject = 64 << 10 // bytes

func checkObject(field string, body json.RawMessage) error {
	var object map[string]any
	switch {
	case len(body) == 0:
		return nil
	case len(body) > maxObject:
		return fmt.Errorf("%s: longer than %d bytes", field, maxObject)
	case json.Unmarshal(body, &object) != nil || object == nil:
		return fmt.Errorf("%s: want a JSON object", field)
	}
	return nil
}

// CheckScript takes what iPXE can fetch, and nothing that would end its command.
func CheckScript(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil ||
		len(address) > 2000 || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("ipxe_script_url: want an http or https URL without a password in it")
	}
	return nil
}

func checkKeys(keys []string) error {
	if len(keys) > maxSSHKeys {
		return fmt.Errorf("ssh_keys: %d keys; at most %d", len(keys), maxSSHKeys)
	}
	for i, key := range keys {
		if !sshKey.MatchString(key) {
			return fmt.Errorf("ssh_keys[%d]: no public key as in authorized_keys", i)
		}
	}
	return nil
}

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return fmt.Errorf("tags: %d tags; at most %d", len(tags), maxTags)
	}
	for i, tag := range tags {
		if tag == "" || len(tag) > maxTag || strings.ContainsFunc(tag, func(r rune) bool { return r < ' ' }) {
			return fmt.Errorf("tags[%d]: want 1 to %d bytes without control characters", i, maxTag)
		}
	}
	return nil
}

// only refuses fields that the action has no use for: whoever sends them
// expects something that will not happen.
func (in OrderInput) only(allowed ...string) error {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"project", in.Project != ""}, {"site", in.Site != ""}, {"plan", in.Plan != ""},
		{"operating_system", in.OperatingSystem != ""}, {"hostname", in.Hostname != ""},
		{"ssh_keys", in.SSHKeys != nil}, {"tags", in.Tags != nil}, {"user_data", in.UserData != ""},
		{"ipxe_script_url", in.ScriptURL != ""}, {"always_pxe", in.AlwaysPXE},
		{"storage", in.Storage != nil}, {"custom_data", in.CustomData != nil}, {"wait", in.Wait != 0},
	} {
		if f.set && !slices.Contains(allowed, f.name) {
			return fmt.Errorf("%s: %s has no use for it", f.name, in.Action)
		}
	}
	return nil
}

func matches(field, value string, want *regexp.Regexp) error {
	switch {
	case value == "":
		return fmt.Errorf("%s: missing", field)
	case !want.MatchString(value):
		return fmt.Errorf("%s: %q has characters or a length that it cannot have", field, value)
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DeviceInput is what a device is ordered with. An empty string means that a
// field was not given.
type DeviceInput struct {
	Hostname        string   `json:"hostname,omitempty"`
	Plan            string   `json:"plan"`
	OperatingSystem string   `json:"operating_system"`
	Metro           string   `json:"metro,omitempty"`
	Facility        places   `json:"facility,omitempty"`
	BillingCycle    string   `json:"billing_cycle,omitempty"`
	Description     string   `json:"description,omitempty"`
	Tags            []string `json:"tags,omitempty"`
	Userdata        string   `json:"userdata,omitempty"`
	CustomData      object   `json:"customdata,omitempty"`

	ProjectSSHKeys []string    `json:"project_ssh_keys,omitempty"`
	UserSSHKeys    []string    `json:"user_ssh_keys,omitempty"`
	SSHKeys        []DeviceKey `json:"ssh_keys,omitempty"`
	NoSSHKeys      bool        `json:"no_ssh_keys,omitempty"`

	IPAddresses           []DeviceLink    `json:"ip_addresses,omitempty"`
	PublicIPv4SubnetSize  int             `json:"public_ipv4_subnet_size,omitempty"`
	PrivateIPv4SubnetSize int             `json:"private_ipv4_subnet_size,omitempty"`
	NetworkFrozen         bool            `json:"network_frozen,omitempty"`
	HardwareReservationID string          `json:"hardware_reservation_id,omitempty"`
	IPXEScriptURL         string          `json:"ipxe_script_url,omitempty"`
	AlwaysPXE             bool            `json:"always_pxe,omitempty"`
	Storage               json.RawMessage `json:"storage,omitempty"`
	Features              features        `json:"features,omitempty"`
	Locked                bool            `json:"locked,omitempty"`
	TerminationTime       ending          `json:"termination_time,omitempty"`

	SpotInstance bool   `json:"spot_instance,omitempty"` // there are none: refused
	SpotPriceMax amount `json:"spot_price_max,omitempty"`
	FirmwareSet  string `json:"firmware_set_id,omitempty"` // likewise
}

// DeviceKey is a public key for one device alone.
type DeviceKey struct {
	Label string `json:"label,omitempty"`
	Key   string `json:"key"`
}

// UnmarshalJSON takes the bare key too.
func (k *DeviceKey) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &k.Key) == nil {
		return nil
	}
	type plain DeviceKey
	return json.Unmarshal(raw, (*plain)(k))
}

// DeviceLink is one of the addresses that a device is to have from the start.
type DeviceLink struct {
	AddressFamily  int      `json:"address_family"`
	Public         *bool    `json:"public,omitempty"` // true where it is left out
	CIDR           int      `json:"cidr,omitempty"`
	IPReservations []string `json:"ip_reservations,omitempty"`
}

// places are codes of sites. Clients send one or a list, and empty ones.
type places []string

// UnmarshalJSON drops what is empty.
func (c *places) UnmarshalJSON(raw []byte) error {
	var one string
	var list []string
	if json.Unmarshal(raw, &one) == nil {
		list = []string{one}
	} else if err := json.Unmarshal(raw, &list); err != nil {
		return unprocessable("facility: want a code, or a list of them")
	}
	*c = slices.DeleteFunc(list, func(code string) bool { return strings.TrimSpace(code) == "" })
	return nil
}

// features are what a machine must have. Clients send a list of them, or say of
// each whether it is required or preferred.
type features []string

// UnmarshalJSON keeps what is required.
func (f *features) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*f = list
		return nil
	}
	var each map[string]string
	if err := json.Unmarshal(raw, &each); err != nil {
		return unprocessable(`features: want a list, or an object that says "required" or "preferred" of each`)
	}
	for name, how := range each {
		if how != "preferred" {
			*f = append(*f, name)
		}
	}
	slices.Sort(*f)
	return nil
}

// amount is a number that some clients send as a string.
type amount float64

// UnmarshalJSON takes either.
func (a *amount) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return unprocessable("spot_price_max: want a number")
	}
	*a = amount(n)
	return nil
}

// ending is a time as clients send it, in RFC 3339; empty where it was left out.
type ending string

// never is null or an empty string, which take a time away that was set before.
const never ending = "never"

// UnmarshalJSON takes a time without its zone for UTC.
func (m *ending) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		*m = never
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			*m = ending(t.UTC().Format(time.RFC3339))
			return nil
		}
	}
	return unprocessable("termination_time: %q is no time; write it as 2026-01-02T03:04:05Z", text)
}

// time is zero for one that never comes.
func (m ending) time() time.Time {
	t, err := time.Parse(time.RFC3339, string(m))
	if err != nil {
		return time.Time{}
	}
	return t
}

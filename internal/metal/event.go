package metal

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// Event is something that happened, as it was written beside the change itself.
type Event struct {
	Number  int64
	At      time.Time
	Project ProjectID // empty: the installation's own
	Device  DeviceID
	Kind    string // operators' word for it
	Body    string // operators' sentence: it may name switches and machines
	Type    string // the API's word for it; empty: for operators alone
	Words   string // the tenant's sentence
}

// EventFilter is which events somebody wants to read.
type EventFilter struct {
	Types []string // "instance.*" is all that begin so; empty: all
	Since time.Time
	Page  Page
}

// told says what tenants read of a kind of event: its type in the Packet API,
// whose clients know the numbers, and a sentence that names nothing of ours.
type told struct {
	kind, says  string // says is part of the sentence, where one kind is several things
	typ, tenant string // tenant is empty where the tenant's own words are in it
}

// eventTypes lists what tenants are told. A kind that it does not list is
// operators' own: port, power, kexec, quarantine. The steps of a provision,
// which deprovisions and rescues go through as well, count as such only while
// the device is being provisioned; schema/queries/eventapi.sql sees to that.
var eventTypes = []told{
	{"order", "deprovision ordered", "instance.deprovision", "Deprovision requested"}, // before the one whose words are in it
	{"order", "provision ordered", "instance.created", "Device ordered"},
	{"order", "reinstall ordered", "instance.reinstall", "Reinstall requested"},
	{"order", "power-on ordered", "instance.power_on", "Power on requested"},
	{"order", "power-off ordered", "instance.power_off", "Power off requested"},
	{"order", "reboot ordered", "instance.reboot", "Reboot requested"},
	{"order", "rescue ordered", "instance.rescue", "Rescue requested"},

	{"claim", " claimed, on ", "provisioning.101", "Provisioning started"},
	{"addresses", "", "provisioning.102", "Network configured"},
	{"boot", "to install", "provisioning.103", "Configuration written, restarting device"},
	{"agent-up", "", "provisioning.104", "Connected to the install system"},
	{"installed", "", "provisioning.106", "Operating system written and verified"},
	{"port", " is tenant", "provisioning.107", "Server networking interfaces configured"},
	{"boot", " leaves the agent", "provisioning.109", "Installation finished, booting the system"},
	{"script-served", "", "provisioning.109", "iPXE script served"},
	{"phone-home", "", "provisioning.110", "Device phoned home and is ready to go"},

	{"erased", "", "deprovisioning.306.01", "Disks erased"},
	{"release", " and addresses given back", "instance.released", "Machine and addresses given back"},
	{"rescued", "", "instance.rescued", "The rescue system takes SSH connections"},
	{"user-state", "", "instance.user_state", ""},

	{"active", "", "instance.active", "Device is active"},
	{"inactive", "", "instance.inactive", "Device is powered off"},
	{"failed", "", "instance.failed", "Device has failed; it keeps what it holds: reinstall or delete it"},
	{"deleted", "", "instance.deleted", "Device is deleted"},
}

// TellTenants says what a tenant reads of an event: its type and words; both
// empty where it is for operators alone. A kind with a dot is a type of the API
// already, and its sentence was written for tenants.
func TellTenants(kind, body string) (typ, words string) {
	if strings.Contains(kind, ".") {
		return kind, body
	}
	for _, t := range eventTypes {
		if t.kind != kind || !strings.Contains(body, t.says) {
			continue
		}
		if t.tenant == "" {
			return t.typ, body
		}
		return t.typ, t.tenant
	}
	return "", ""
}

// EventTypes lists what the types of events can be that no kind with a dot
// brings, for the description of the API.
func EventTypes() []string {
	var all []string
	for i, t := range eventTypes {
		if i == 0 || all[len(all)-1] != t.typ {
			all = append(all, t.typ)
		}
	}
	return all
}

// eventMark begins the ID of every event: "event" and a zero.
const eventMark = "6576656e-7400-8000-"

// EventID is an event's number as the API's IDs are: a UUID of version 8 with
// the number in its last 62 bits.
func EventID(number int64) string {
	var tail [8]byte
	binary.BigEndian.PutUint64(tail[:], uint64(number)|1<<63)
	digits := hex.EncodeToString(tail[:])
	return eventMark + digits[:4] + "-" + digits[4:]
}

// EventNumber is the number in an event's ID; zero where it is none.
func EventNumber(id string) int64 {
	digits, marked := strings.CutPrefix(id, eventMark)
	if !marked || len(digits) != 17 || digits[4] != '-' {
		return 0
	}
	tail, err := hex.DecodeString(digits[:4] + digits[5:])
	if err != nil || tail[0]>>6 != 2 {
		return 0
	}
	number := int64(binary.BigEndian.Uint64(tail) &^ (3 << 62))
	if EventID(number) != id {
		return 0
	}
	return number
}

package redfish

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

// object is a JSON object on its way out.
type object = map[string]any

// view is what GET of one path shows. It wants the lock, and makes its object
// anew each time: expanding writes into it.
type view func(b *BMC) object

// family is a collection whose members have a view in common. A member that is
// not there is nil.
type family struct {
	kind    string // of the collection, such as "DriveCollection"
	members func(b *BMC) []string
	member  func(b *BMC, id string) object
	inline  bool // members stand in the collection itself, as those of logs do on most BMCs
}

// views and families are the shape of the service; one table of each serves
// every BMC of the process.
var views = map[string]view{
	rootPath:           serviceRoot,
	servicePath:        sessionService,
	accountServicePath: accountService,
	systemPath:         system,
	biosPath:           biosView,
	biosNextPath:       biosNextView,
	storagePath:        storageView,
	enclosurePath:      enclosure,
	thermalPath:        thermal,
	powerPath:          powerView,
	managerPath:        manager,
	lanPath:            lanView,
	hostPath:           hostView,
	logPath:            logService,
	updatePath:         updateService,
	tasksRootPath:      taskService,
}

var families = map[string]family{
	sessionsPath:   {kind: "Session", members: (*BMC).sessionIDs, member: (*BMC).sessionView},
	accountsPath:   {kind: "ManagerAccount", members: (*BMC).accountIDs, member: (*BMC).accountView},
	rolesPath:      {kind: "Role", members: only(administrator, operator, readOnly), member: roleView},
	systemsPath:    {kind: "ComputerSystem", members: only("1"), member: fixed},
	optionsPath:    {kind: "BootOption", members: (*BMC).optionIDs, member: (*BMC).optionView},
	cardsPath:      {kind: "EthernetInterface", members: (*BMC).cardIDs, member: (*BMC).cardView},
	dimmsPath:      {kind: "Memory", members: (*BMC).dimmIDs, member: (*BMC).dimmView},
	processorsPath: {kind: "Processor", members: only("CPU1"), member: (*BMC).processorView},
	storagesPath:   {kind: "Storage", members: only("1"), member: fixed},
	drivesPath:     {kind: "Drive", members: (*BMC).driveIDs, member: (*BMC).driveView},
	chassisPath:    {kind: "Chassis", members: only("1"), member: fixed},
	managersPath:   {kind: "Manager", members: only("1"), member: fixed},
	lansPath:       {kind: "EthernetInterface", members: only("1"), member: fixed},
	hostsPath:      {kind: "HostInterface", members: only("1"), member: fixed},
	logsPath:       {kind: "LogService", members: only("Sel"), member: fixed},
	entriesPath:    {kind: "LogEntry", members: (*BMC).entryIDs, member: (*BMC).entryView, inline: true},
	inventoryPath:  {kind: "SoftwareInventory", members: firmwareIDs, member: (*BMC).firmwareView},
	tasksPath:      {kind: "Task", members: (*BMC).openTasks, member: (*BMC).taskView},
}

// only is a collection that never changes.
func only(ids ...string) func(*BMC) []string { return func(*BMC) []string { return ids } }

// fixed members have views of their own.
func fixed(*BMC, string) object { return nil }

// find is what stands at a path. It wants the lock.
func (b *BMC) find(at string) object {
	if _, sessionless := b.faults[NoSessions]; sessionless && strings.HasPrefix(at, servicePath) {
		return nil
	}
	if v, ok := views[at]; ok {
		return v(b)
	}
	if f, ok := families[at]; ok {
		return b.collection(at, f)
	}
	if f, ok := families[path.Dir(at)]; ok {
		return f.member(b, path.Base(at))
	}
	return nil
}

func (b *BMC) collection(at string, f family) object {
	ids := f.members(b)
	members := make([]any, len(ids))
	for i, id := range ids {
		members[i] = link(at + "/" + id)
		if f.inline {
			members[i] = f.member(b, id)
		}
	}
	return object{
		"@odata.id": at, "@odata.type": "#" + f.kind + "Collection." + f.kind + "Collection", "Name": f.kind + " collection",
		"Members@odata.count": len(members), "Members": members,
	}
}

// get answers GET of any path.
func (b *BMC) get(w http.ResponseWriter, r *http.Request, at string) {
	want, err := parseExpand(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusNotImplemented, "QueryNotSupported", err.Error())
		return
	}
	b.mu.Lock()
	o, tag := b.find(at), b.etag()
	b.expand(o, want)
	b.mu.Unlock()
	if o == nil {
		notFound(w, r)
		return
	}
	if at == systemPath {
		w.Header().Set("ETag", tag)
	}
	answer(w, http.StatusOK, o)
}

func link(path string) object { return object{"@odata.id": path} }

// resource begins an object with what every resource has.
func resource(at, kind, name string, more object) object {
	o := object{"@odata.id": at, "@odata.type": "#" + kind, "Id": path.Base(at), "Name": name}
	maps.Copy(o, more)
	return o
}

// statusOf is the Status of a part that works or does not.
func statusOf(health string) object { return object{"State": "Enabled", "Health": health} }

// The healths of DMTF's Resource schema.
const (
	healthOK       = "OK"
	healthWarning  = "Warning"
	healthCritical = "Critical"
)

// hasLocked is has with the lock held.
func (b *BMC) hasLocked(fault string) bool {
	_, armed := b.faults[fault]
	return armed
}

// unless is OK, or what the named trait makes of it.
func (b *BMC) unless(trait, otherwise string) string {
	if b.hasLocked(trait) {
		return otherwise
	}
	return healthOK
}

// health is the worst of the machine's parts.
func (b *BMC) health() string {
	if slices.ContainsFunc([]string{HotCPU, DeadFan, FailingDisk, MemoryErrors}, b.hasLocked) {
		return healthCritical
	}
	return healthOK
}

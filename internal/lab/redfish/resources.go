package redfish

import "net/http"

// The paths of the service. IDs are "1" throughout: one machine, one BMC.
const (
	rootPath     = "/redfish/v1"
	servicePath  = rootPath + "/SessionService"
	sessionsPath = servicePath + "/Sessions"
	systemsPath  = rootPath + "/Systems"
	systemPath   = systemsPath + "/1"
	resetPath    = systemPath + "/Actions/ComputerSystem.Reset"
	chassisPath  = rootPath + "/Chassis"
	managersPath = rootPath + "/Managers"
)

func link(path string) object { return object{"@odata.id": path} }

// versions answers GET /redfish, which names the protocol's versions.
func versions(_ *BMC, w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, object{"v1": rootPath + "/"})
}

func serviceRoot(b *BMC, w http.ResponseWriter, _ *http.Request, _ []byte) {
	root := object{
		"@odata.id": rootPath, "@odata.type": "#ServiceRoot.v1_9_0.ServiceRoot",
		"Id": "RootService", "Name": "Millwright lab BMC", "RedfishVersion": "1.11.0", "Vendor": "Millwright lab",
		"Systems": link(systemsPath), "Chassis": link(chassisPath), "Managers": link(managersPath),
	}
	if !b.has(NoSessions) {
		root["SessionService"] = link(servicePath)
		root["Links"] = object{"Sessions": link(sessionsPath)}
	}
	answer(w, http.StatusOK, root)
}

func sessionService(_ *BMC, w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, object{
		"@odata.id": servicePath, "@odata.type": "#SessionService.v1_1_8.SessionService",
		"Id": "SessionService", "Name": "Session service", "ServiceEnabled": true,
		"SessionTimeout": int(sessionIdle.Seconds()), "Sessions": link(sessionsPath),
	})
}

func sessionCollection(b *BMC, w http.ResponseWriter, r *http.Request, _ []byte) {
	b.mu.Lock()
	var members []string
	for _, s := range b.sessions {
		members = append(members, sessionsPath+"/"+s.id)
	}
	b.mu.Unlock()
	collection(members...)(b, w, r, nil)
}

// collection is the verb that lists members at the path it is asked at.
func collection(members ...string) verb {
	return func(_ *BMC, w http.ResponseWriter, r *http.Request, _ []byte) {
		links := make([]object, 0, len(members))
		for _, m := range members {
			links = append(links, link(m))
		}
		answer(w, http.StatusOK, object{
			"@odata.id": r.URL.Path, "Name": "Collection",
			"Members@odata.count": len(links), "Members": links,
		})
	}
}

func chassisMember(b *BMC, w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, object{
		"@odata.id": chassisPath + "/1", "@odata.type": "#Chassis.v1_14_0.Chassis",
		"Id": "1", "Name": b.name, "ChassisType": "RackMount",
		"Links": object{"ComputerSystems": []object{link(systemPath)}},
	})
}

func managerMember(b *BMC, w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, object{
		"@odata.id": managersPath + "/1", "@odata.type": "#Manager.v1_10_0.Manager",
		"Id": "1", "Name": b.name, "ManagerType": "BMC", "FirmwareVersion": "1.0",
		"Links": object{"ManagerForServers": []object{link(systemPath)}},
	})
}

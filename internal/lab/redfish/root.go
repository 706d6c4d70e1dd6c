package redfish

import "net/http"

// versions answers GET /redfish, which names the protocol's versions.
func versions(_ *BMC, w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, object{"v1": rootPath + "/"})
}

func serviceRoot(b *BMC) object {
	root := object{
		"@odata.id": rootPath, "@odata.type": "#ServiceRoot.v1_9_0.ServiceRoot",
		"Id": "RootService", "Name": "Millwright lab BMC", "RedfishVersion": "1.11.0",
		"Vendor": b.hardware.Vendor, "Product": b.hardware.Model, "UUID": b.hardware.UUID,
		"Systems": link(systemsPath), "Chassis": link(chassisPath), "Managers": link(managersPath),
		"AccountService": link(accountServicePath), "UpdateService": link(updatePath), "Tasks": link(tasksRootPath),
		"ProtocolFeaturesSupported": object{
			"ExpandQuery": object{"ExpandAll": true, "Levels": true, "Links": true, "NoLinks": true, "MaxLevels": mostLevels},
			"SelectQuery": false, "FilterQuery": false, "OnlyMemberQuery": false, "ExcerptQuery": false,
		},
	}
	if !b.hasLocked(NoSessions) {
		root["SessionService"] = link(servicePath)
		root["Links"] = object{"Sessions": link(sessionsPath)}
	}
	return root
}

func sessionService(*BMC) object {
	return resource(servicePath, "SessionService.v1_1_8.SessionService", "Session service", object{
		"ServiceEnabled": true, "SessionTimeout": int(sessionIdle.Seconds()), "Sessions": link(sessionsPath),
	})
}

package main

import (
	"encoding/json"
	"net/http"

	"go.temporal.io/sdk/worker"

	"millwright/activities"
	"millwright/internal/bmc"
	"millwright/internal/fitness"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/vault"
)

// judge is what package fitness knows, as activities ask for it.
type judge struct{}

func (judge) Serial(hardware json.RawMessage) string { return fitness.Serial(hardware) }

func (judge) Compare(d metal.Declared, hardware json.RawMessage) []metal.Finding {
	return fitness.Compare(d, hardware)
}

func (judge) Reading(r metal.Reading, baseline map[string]string) []metal.Finding {
	return fitness.Judge(r, baseline)
}

// keepMachines registers what keeps a site's machines fit, through their BMCs.
func keepMachines(w worker.Worker, store *postgres.Store, bmcs *bmc.Driver, passwords vault.Credentials) {
	rotation := vault.Rotation{Vault: passwords.Vault, Rows: store}
	w.RegisterActivity(&activities.Guard{Store: store, BMC: bmcs, Judge: judge{}, Passwords: rotation, Credentials: passwords.Get})
	w.RegisterActivity(&activities.Firmware{Store: store, BMC: bmcs, Images: firmwareImages{client: http.DefaultClient}})
	w.RegisterActivity(&activities.Patrol{Store: store, BMC: bmcs, Judge: judge{}})
	w.RegisterActivity(&activities.Enrol{Store: store, BMC: bmcs, Passwords: rotation, Credentials: passwords.Get})
}

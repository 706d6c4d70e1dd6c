package postgres

import (
	"encoding/json"
	"fmt"
	"strings"

	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// hardwareRecord is what plans.hardware keeps.
type hardwareRecord struct {
	Cores     int   `json:"cores"`
	MemoryGiB int   `json:"memory_gib"`
	DisksGB   []int `json:"disks_gb"`
}

// diskRecord is what machines.disks keeps of each disk.
type diskRecord struct {
	Serial string `json:"serial"`
	SizeGB int    `json:"size_gb"`
}

func planRow(p sitefile.Plan) (query.UpsertPlanParams, error) {
	hardware, err := json.Marshal(hardwareRecord{p.Cores, p.MemoryGiB, p.DisksGB})
	return query.UpsertPlanParams{
		ID: string(p.ID), Description: p.Description, Hardware: hardware,
		BootLimit: p.Limits.Boot, InstallLimit: p.Limits.Install, PhoneHomeLimit: p.Limits.PhoneHome, Warm: int32(p.Warm),
		Fitness: []byte(`{}`), Watts: 300,
	}, err
}

func planFacts(p query.Plan) (facts, error) {
	var h hardwareRecord
	if err := json.Unmarshal(p.Hardware, &h); err != nil {
		return nil, fmt.Errorf("plan %s: its hardware: %w", p.ID, err)
	}
	return facts{
		"description", p.Description, "cores", h.Cores, "memory_gib", h.MemoryGiB, "disks_gb", h.DisksGB,
		"boot_limit", p.BootLimit, "install_limit", p.InstallLimit, "phone_home_limit", p.PhoneHomeLimit, "warm", p.Warm,
	}, nil
}

func machineRow(m sitefile.Machine) (query.UpsertMachineParams, error) {
	bmc, err := json.Marshal(BMCRecord{
		Address: m.BMC.Address, Protocol: m.BMC.Protocol, Credential: m.BMC.Credential,
		Fingerprint: m.BMC.Fingerprint, CipherSuite: m.BMC.CipherSuite, Console: m.BMC.Console, Sessions: m.BMC.Sessions,
	})
	if err != nil {
		return query.UpsertMachineParams{}, err
	}
	disks := make([]diskRecord, len(m.Disks))
	for i, d := range m.Disks {
		disks[i] = diskRecord(d)
	}
	list, err := json.Marshal(disks)
	return query.UpsertMachineParams{
		ID: string(m.ID), Site: string(m.Site), Rack: string(m.Rack), Unit: int32(m.Unit), Plan: string(m.Plan),
		Firmware: string(m.Firmware), Kexec: m.Kexec, Bmc: bmc, Disks: list,
	}, err
}

// machineFacts are a machine's row, and its cables, as people read them.
func machineFacts(m query.UpsertMachineParams, nics []sitefile.NIC) (facts, error) {
	var bmc BMCRecord
	if err := json.Unmarshal(m.Bmc, &bmc); err != nil {
		return nil, fmt.Errorf("machine %s: its BMC record: %w", m.ID, err)
	}
	var disks []diskRecord
	if err := json.Unmarshal(m.Disks, &disks); err != nil {
		return nil, fmt.Errorf("machine %s: its disks: %w", m.ID, err)
	}
	return facts{
		"site", m.Site, "rack", m.Rack, "unit", m.Unit, "plan", m.Plan, "firmware", m.Firmware, "kexec", m.Kexec,
		"BMC address", bmc.Address, "BMC protocol", bmc.Protocol, "BMC credential", bmc.Credential,
		"BMC fingerprint", bmc.Fingerprint, "BMC cipher suite", bmc.CipherSuite, "BMC console", bmc.Console, "BMC sessions", bmc.Sessions,
		"NICs", cables(nics), "disks", disks,
	}, nil
}

// cables is a machine's cabling in words.
func cables(nics []sitefile.NIC) string {
	all := make([]string, len(nics))
	for i, n := range nics {
		all[i] = n.MAC + " at " + n.Port.String()
		if n.Member != "" {
			all[i] += " by " + n.Member
		}
	}
	return strings.Join(all, ", ")
}

// rowOf is a machine as it was, in the shape in which it is written.
func rowOf(m query.Machine) query.UpsertMachineParams {
	return query.UpsertMachineParams{
		ID: m.ID, Site: m.Site, Rack: m.Rack, Unit: m.Unit, Plan: m.Plan,
		Firmware: m.Firmware, Kexec: m.Kexec, Bmc: m.Bmc, Disks: m.Disks,
	}
}

package postgres

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"millwright/internal/metal"
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
	if err != nil {
		return query.UpsertPlanParams{}, err
	}
	fitness, err := json.Marshal(p.Fitness())
	return query.UpsertPlanParams{
		ID: string(p.ID), Description: p.Description, Hardware: hardware,
		BootLimit: p.Limits.Boot, InstallLimit: p.Limits.Install, PhoneHomeLimit: p.Limits.PhoneHome, Warm: int32(p.Warm),
		Fitness: fitness, Spares: int32(p.Spares), Watts: int32(cmp.Or(p.Watts, usualWatts)),
	}, err
}

// usualWatts are those of a server with two sockets that has little to do.
const usualWatts = 300

func planFacts(p query.Plan) (facts, error) {
	f, err := fitnessOf(p.Hardware, p.Fitness)
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", p.ID, err)
	}
	return facts{
		"description", p.Description, "cores", f.Cores, "memory_gib", f.MemoryGiB, "disks_gb", f.DisksGB,
		"boot_limit", p.BootLimit, "install_limit", p.InstallLimit, "phone_home_limit", p.PhoneHomeLimit, "warm", p.Warm,
		"disk_types", f.DiskTypes, "nic_mbps", f.NICMbps, "firmware", f.Baseline, "settings", f.Settings,
		"burn_in", f.BurnIn, "spares", p.Spares, "watts", p.Watts,
	}, nil
}

// machineRow is a machine of the file; state is what it has if it is new.
func machineRow(m sitefile.Machine, state metal.MachineState) (query.UpsertMachineParams, error) {
	bmc, err := json.Marshal(bmcRecord(m.BMC))
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
		Firmware: string(m.Firmware), Kexec: m.Kexec, Bmc: bmc, Disks: list, State: string(state),
	}, err
}

// machineFacts are a machine's row, and its cables, as people read them. Its
// state is none of them: an import does not change it.
func machineFacts(m query.UpsertMachineParams, nics []sitefile.NIC, filed bool) (facts, error) {
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
		"BMC gap", bmc.Gap, "BMC second way", strings.TrimSpace(string(bmc.SecondProtocol) + " " + bmc.SecondAddress),
		"NICs", cables(nics), "disks", disks, "in the file", filed,
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
		Firmware: m.Firmware, Kexec: m.Kexec, Bmc: m.Bmc, Disks: m.Disks, State: m.State,
	}
}

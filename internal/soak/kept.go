package main

import "millwright/internal/metal"

// fate is what becomes of a table's rows. docs/soak.md says why.
type fate string

// A table holds what there is, or what happened: for a time, or for ever.
const (
	current fate = "current" // as many rows as there are things
	kept    fate = "kept"    // forgotten after a time that the worker is told
	forever fate = "forever" // grows with every device, and is meant to
)

// fates has every table of the schema. One that it lacks is judged like one
// that holds what there is.
var fates = map[string]fate{
	"sites": current, "racks": current, "switches": current, "plans": current, "operating_systems": current, "plan_operating_systems": current,
	"machines": current, "machine_moves": current, "ports": current, "nics": current, "boot_intents": current, "inventories": current, "steps": current,
	"readings": current, "bmc_records": current, "bmc_credentials": current, "hardware_reservations": forever, "enrolments": forever,
	"aggregates": current, "special_space": current, "space_rules": current, "blocks": current, "block_projects": current, "pieces": current,
	"quotas": current, "reservations": forever, "pointers": current,
	"project_bgp": current, "bgp_sessions": current, "drifts": current, "miscablings": current, "switch_answers": kept, "counters": current,
	"zones": current, "names": current, "names_due": current, "console_keepers": current,
	"users": forever, "organizations": forever, "projects": forever, "memberships": current, "ssh_keys": current, "webhooks": forever,
	"lines": current, "waiting": current, "boot_jumps": current, "epoch_jumps": current, "machine_doubts": current, "switch_doubts": current, "carried_ports": current, "survey_calls": current, "retention": current, "forgotten": current, "usage_sealed": current, "schema_version": current,

	"changes": kept, "orders": kept, "tenures": kept, "api_keys": kept, "invitations": kept,
	"events": kept, "commits": kept, "log_entries": kept, "issues": kept, "burn_ins": kept,
	"consoles": kept, "console_chunks": kept, "agent_logs": kept, "reports": kept, "deliveries": kept, "repeats": kept, "address_notes": kept, "user_data": kept,
	"sign_ins": kept, "sign_in_codes": kept,

	"devices": forever, "batches": forever, "restores": forever, "usages": forever, "charges": forever, "traffic": forever,
	"erasures": forever, "certificates": forever, "certificate_keys": forever,
}

// pressed is for how long things are kept in a month of so many minutes: what
// stays for a year in truth stays for a fifth of the run, so that the level
// that a year comes to is reached before anything is judged.
func pressed(cfg Config) metal.Keep {
	month := minutes(cfg.Minutes)
	return metal.Keep{Audit: month / 5, Events: month / 5, Logs: month / 10}
}

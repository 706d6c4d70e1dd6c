// Package workflows says what happens, in which order. Every run is one
// Temporal workflow of retryable activities; what a run has done is in its
// history, so a crash of anything resumes it.
//
//	Order       order/<id>    row ─ cancel what contradicts it ─ start the device's run
//	Provision   device/<id>   claim ─ park ─ boot agent ─ off ─ on ─ ⏳agent ─ ⏳installed
//	                          ─ open port ─ boot disk ─ ⏳phone-home ─ active
//	Reinstall   device/<id>   claim ─ park ─ boot agent ─ off ─ on ─ ⏳ … as above
//	Deprovision device/<id>   claim ─ park ─ boot agent ─ off ─ on ─ ⏳erased ─ release
//	Power       device/<id>   claim ─ off | on ─ settle
//	Rescue      device/<id>   claim ─ open port ─ boot agent ─ off ─ on ─ ⏳rescued
//	Recover     device/<id>   claim ─ what the lost run's state needs
//	Reconcile   reconcile     orders and devices that nobody sees to ─ start their runs
//	Warm        machine/<id>  claim ─ park ─ boot agent ─ off ─ on ─ ⏳agent ─ idle, waiting
//	Address     address/<id>  assign ─ bring the ports that get it and lose it
//	Session     bgp/<device>  turn BGP on or off ─ bring the port
//	BringDevice ports/<dev>   bring the ports that carry a device, until nothing has changed
//	Survey      survey/<site> switches and BMCs, held against restored records
//	CheckSwitch switch/<id>   compare with what it should be ─ repair
//	PlanSwitch  plan/<id>     show what a commit would change
//	Webhook     webhook/<id>  ⏳due ─ post ─ note what came of it ─ …
//
// Runs that touch a device share its ID: Temporal lets one be open, so no two
// meet on a device, and we wrote no lock. Outsiders start Orders only.
//
// The rules of this folder: deterministic code, checked by workflowcheck and by
// replaying recorded histories. It imports activities for their names and
// types, metal, and no driver. Activity errors are returned bare, so that their
// type is what operators search for. Every wait has a deadline, every deadline a
// next step, and an undo is promised before the step it takes back.
package workflows

package workflows

// All lists the workflows that a control worker runs.
func All() []any {
	return []any{Order, Fleet, Provision, Reinstall, Deprovision, Power, Rescue, Recover, Reconcile, Warm, Address, Session, BringDevice, CheckSwitches, CheckSwitch, PlanSwitch, Webhook,
		Enrol, Commission, Inspect, Retire, Tend, UpdateFirmware, Rollout, Patrols, Patrol, Survey}
}

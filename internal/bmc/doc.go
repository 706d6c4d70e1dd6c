// Package bmc drives the management controllers of machines, over Redfish or
// IPMI: power, and what a machine boots next; its health, its event log and who
// it is; users, settings and firmware. It stands on bmclib, whose Redfish and
// ipmitool providers it uses one at a time and never both. What bmclib has no
// words for is asked over the same session: no BMC sees a second one.
//
// Whatever a BMC says is weather unless it wraps one of metal's sentinels:
// ErrBadCredentials, ErrFingerprint, ErrUnsupported. A write counts when it was
// read back. Errors name the machine and the BMC's address, and carry neither
// a password nor the device's own prose, which goes to the log at level debug.
//
// All access to a BMC goes through its governor: one conversation at a time,
// among all processes where there is a Ledger; at the pace that the BMC endures;
// not at all while it rests; over its other protocol when the first keeps
// failing; and a cold reset of it when nothing else is left.
//
// It imports metal and bmclib. It knows no Temporal, no database, no activity
// and no other driver. Do not set DEBUG_BMCLIB in a process that uses it: bmclib
// then writes every request, logins included, to standard output.
package bmc

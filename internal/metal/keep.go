package metal

import (
	"cmp"
	"fmt"
	"time"
)

// Keep says for how long what has happened can be looked at. What is not named
// here stays for ever: what is paid for, and the proofs of erasure.
type Keep struct {
	Audit  time.Duration // who asked for what: changes, orders, who had an address, keys that open nothing any more
	Events time.Duration // what came of it: events, commits, closed issues, what BMCs logged, burn-ins
	Logs   time.Duration // what is read while somebody still looks for a fault: consoles, agents' logs, reports, deliveries
}

const day = 24 * time.Hour

// Defaults of Keep: a year, and what an auditor needs to come by; a month, as
// long as tenants take to complain.
const (
	KeepAudit  = 400 * day
	KeepEvents = 400 * day
	KeepLogs   = 30 * day
)

// OrUsual is k with the defaults where it says nothing.
func (k Keep) OrUsual() Keep {
	return Keep{Audit: cmp.Or(k.Audit, KeepAudit), Events: cmp.Or(k.Events, KeepEvents), Logs: cmp.Or(k.Logs, KeepLogs)}
}

// Check refuses times that nobody can have meant. An event outlives its
// deliveries, which name it.
func (k Keep) Check() error {
	k = k.OrUsual()
	if k.Audit < 0 || k.Events < 0 || k.Logs < 0 {
		return fmt.Errorf("keep the record for %s, events for %s and logs for %s: want none below zero", k.Audit, k.Events, k.Logs)
	}
	if k.Events < k.Logs {
		return fmt.Errorf("keep events for %s and logs for %s: want events kept for as long, because deliveries name them", k.Events, k.Logs)
	}
	return nil
}

// Every is how often somebody should look for what is old: hourly, for a month.
func (k Keep) Every() time.Duration {
	k = k.OrUsual()
	return min(k.Audit, k.Events, k.Logs) / 720
}

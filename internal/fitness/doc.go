// Package fitness holds a machine against what it should be: what its agent
// found against its plan and its cabling, and what its BMC reads against limits
// and firmware. It says what is the matter, never what is to be done.
//
//	found := fitness.Compare(declared, inventory) // around each tenant, and when a machine is proven
//	found := fitness.Judge(reading, baseline)     // on each visit of the patrol
//
// The same input gives the same findings in the same order: kinds in the order
// of metal.IssueKinds, then parts. Of one kind and part there is one finding.
// Inventories come from machines that tenants had: nothing in one makes Compare
// panic, and no text of it makes a finding long.
//
// The package computes, and imports metal and inventory. It must import no
// Temporal, no database, no driver, and read no clock.
package fitness

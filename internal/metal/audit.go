package metal

import "time"

// AuditEntry is what somebody asked for: who, what, from where, when, and what came
// of it.
type AuditEntry struct {
	ID           int64
	At           time.Time
	Request      string // X-Request-Id of the answer
	Caller       string // user/<id>, project-key/<id>
	Email        string // the user's
	Key          KeyID
	Source       string // the address that it came from
	Method, Path string
	Organization OrganizationID
	Project      ProjectID
	Thing        string // path of what was made or changed
	Code         int
	Outcome      string // "done", or why not
}

// AuditDone is the outcome of what was not refused.
const AuditDone = "done"

// AuditFilter says which entries; what is empty lets all pass.
type AuditFilter struct {
	Organization OrganizationID
	Project      ProjectID
	Since, Until time.Time
	Caller       string // a name, the ID of a user or a key, or an e-mail address
	Outcome      string // "done" or "refused"
}

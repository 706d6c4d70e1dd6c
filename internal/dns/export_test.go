package dns

import "time"

// At gives a driver a clock of its own.
func (d *Driver) At(now func() time.Time) { d.now = now }

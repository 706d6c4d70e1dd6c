package frr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// errTakenBack is a change that the switch undid, because nobody confirmed it
// in time or because it was not in force.
var errTakenBack = errors.New("change taken back by the switch: nothing applied")

// LockHeld says that somebody else is changing the switch. It is weather:
// whoever it is will be done, or its lease ends. Its session is a process on
// the switch.
type LockHeld struct {
	metal.LockHolder
	From string // the address that it came from; empty where unknown
}

// Holder is who has the lock, for callers that know no driver.
func (e *LockHeld) Holder() metal.LockHolder { return e.LockHolder }

func (e *LockHeld) Error() string {
	if e.Session == "" {
		return "lock held by somebody who did not write down who"
	}
	text := fmt.Sprintf("lock held by process %s of %s", e.Session, e.User)
	if e.From != "" {
		text += " from " + e.From
	}
	if !e.Since.IsZero() {
		text += " since " + e.Since.UTC().Format(time.RFC3339)
	}
	return text
}

// heldBy reads the lock file: process, user, since when in seconds of the
// epoch, and from where.
func heldBy(text string) *LockHeld {
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return &LockHeld{}
	}
	held := &LockHeld{LockHolder: metal.LockHolder{Session: fields[0], User: fields[1]}}
	if seconds, err := strconv.ParseInt(fields[2], 10, 64); err == nil {
		held.Since = time.Unix(seconds, 0)
	}
	if len(fields) > 3 {
		held.From = fields[3]
	}
	return held
}

// stepError is a script that ended badly, in the words of what it ran.
type stepError struct {
	sw     metal.Switch
	doing  string
	status int
	words  string
}

func (e *stepError) Error() string {
	return fmt.Sprintf("switch %s at %s: %s: exit %d: %s", e.sw.ID, e.sw.Address, e.doing, e.status, e.words)
}

// refused is what the switch's nft thinks of filters: final, unless it is the
// session that ended.
func refused(err error) error {
	var step *stepError
	if errors.As(err, &step) {
		return fmt.Errorf("%w: %w", metal.ErrConfigRefused, err)
	}
	return err
}

// redact takes secrets out of what a switch said: vtysh repeats the line that
// it does not take.
func redact(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}

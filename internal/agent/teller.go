package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// teller sends the log, piece by piece.
type teller struct {
	*agent
	last  <-chan struct{} // closed when nothing more is written: all that there is shall go
	begun bool            // the place in the boot's log is known
	fails int
}

// run ends with ctx, after the last piece, or where nobody takes a log.
func (t *teller) run(ctx context.Context) {
	for {
		select {
		case <-t.Journal.news:
		case <-t.last:
			if t.Journal.empty() {
				return
			}
		case <-ctx.Done():
			return
		}
		for more := true; more; {
			var err error
			if more, err = t.piece(ctx); t.hopeless(ctx, err) {
				return
			}
			t.rest(ctx, err)
		}
	}
}

// piece sends one piece. Before the first it asks where an earlier life of this
// boot has ended, by a piece without a byte.
func (t *teller) piece(ctx context.Context) (more bool, err error) {
	at, text := t.Journal.piece()
	if len(text) == 0 {
		return false, nil
	}
	if !t.begun {
		text = nil
	}
	answer, err := t.tell(ctx, t.address(PathLog, url.Values{QueryAt: {strconv.FormatInt(at, 10)}}), text)
	if err != nil {
		return true, err
	}
	var end LogEnd
	if err := json.Unmarshal(answer, &end); err != nil {
		return true, fmt.Errorf("read the end of the log: %w", err)
	}
	t.Journal.taken(end.Next, t.begun)
	t.begun = true
	return true, nil
}

func (t *teller) hopeless(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, errUnheard) || errors.Is(err, errOver) && t.leaving()
}

func (t *teller) leaving() bool {
	select {
	case <-t.last:
		return true
	default:
		return false
	}
}

// rest lets lines gather between two pieces, and backs off where the boot
// service is not there. Who leaves does not let lines gather.
func (t *teller) rest(ctx context.Context, err error) {
	last := t.last
	if err == nil {
		t.fails = 0
	} else {
		t.fails++
		if t.leaving() {
			last = nil
		}
	}
	pause := t.Pace.Tell << min(max(t.fails-1, 0), 6)
	timer := time.NewTimer(min(pause, max(t.Pace.Retry, t.Pace.Tell)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-last:
	case <-ctx.Done():
	}
}

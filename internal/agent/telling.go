package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// errUnheard is a boot service that has no such path: an older one, or a small
// one in a test.
var errUnheard = errors.New("the boot service does not take this")

// background tells steps and log while the agent works. The function that it
// returns gives the log's end its time and then ends both.
func (a *agent) background(ctx context.Context) (stop func()) {
	steps, endSteps := context.WithCancel(ctx)
	log, endLog := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { a.tellSteps(steps) })
	last := make(chan struct{})
	if a.Journal != nil {
		all.Go(func() { (&teller{agent: a, last: last}).run(log) })
	}
	return func() {
		endSteps()
		close(last)
		late := time.AfterFunc(a.Pace.Flush, endLog)
		all.Wait()
		late.Stop()
		endLog()
	}
}

// tellSteps drops what cannot be told: the next one is newer.
func (a *agent) tellSteps(ctx context.Context) {
	for {
		select {
		case <-a.steps.news:
		case <-ctx.Done():
			return
		}
		step := a.steps.take()
		if step == nil {
			continue
		}
		body, err := json.Marshal(step)
		if err == nil {
			_, err = a.tell(ctx, a.address(PathStep, nil), body)
		}
		if errors.Is(err, errUnheard) || sleep(ctx, a.Pace.Tell) != nil {
			return
		}
	}
}

// tell is one try of something that may be lost. What goes wrong is not logged:
// that would be one more piece of log.
func (a *agent) tell(ctx context.Context, address string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	req, err := a.request(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := a.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return nil, errUnheard
	case http.StatusGone:
		return nil, errOver
	case http.StatusOK, http.StatusNoContent:
		return io.ReadAll(io.LimitReader(res.Body, 1<<10))
	}
	return nil, errors.New(res.Status)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

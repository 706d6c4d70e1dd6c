package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// errOver is a 410 that stayed: no answer of the boot service can make this
// boot current again.
var errOver = errors.New("the boot service says that this boot is over")

// errUnfit is a message that will be refused each time that it is sent.
var errUnfit = errors.New("the boot service does not take this message")

// grace is how much longer than its wait a held question may take before the
// connection is taken for dead.
const grace = 10 * time.Second

// send posts one message until it is taken.
func (a *agent) send(ctx context.Context, path string, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("write the body of %s: %w", path, err)
	}
	return a.insist(ctx, path, func(ctx context.Context) error {
		return a.call(ctx, http.MethodPost, a.address(path, nil), body, nil)
	})
}

// ask asks for the job until there is an answer.
func (a *agent) ask(ctx context.Context) (job Job, err error) {
	query := url.Values{QueryWait: {a.Pace.Wait.String()}}
	if a.have != "" {
		query.Set(QueryHave, string(a.have))
	}
	err = a.insist(ctx, PathJob, func(ctx context.Context) error {
		return a.call(ctx, http.MethodGet, a.address(PathJob, query), nil, &job)
	})
	return job, err
}

func (a *agent) address(path string, query url.Values) string {
	if query == nil {
		query = url.Values{}
	}
	query.Set(QueryBoot, strconv.FormatInt(int64(a.Boot), 10))
	return a.URL + path + "?" + query.Encode()
}

// insist repeats an exchange until it succeeds, ctx ends, the message is one
// that nobody will ever take, or the boot has been over for as long as the pace
// allows.
func (a *agent) insist(ctx context.Context, what string, try func(context.Context) error) error {
	var overSince time.Time
	for attempt := 0; ; attempt++ {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, errUnfit) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if !errors.Is(err, errOver) {
			overSince = time.Time{}
		} else if overSince.IsZero() {
			overSince = time.Now()
		} else if time.Since(overSince) >= a.Pace.Over {
			return fmt.Errorf("%s: %w", what, err)
		}
		a.Log.Warn("asking again", "what", what, "attempt", attempt+1, "error", err)
		if err := a.pause(ctx, attempt); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// pause lets the first retry go at once, because what fails most is an idle
// connection that the other side dropped. The rest double up to the pace, with
// jitter, so that a rack does not knock in step after an outage.
func (a *agent) pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	longest := min(100*time.Millisecond<<min(attempt, 10), a.Pace.Retry)
	timer := time.NewTimer(longest/2 + rand.N(longest/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call is one exchange. Its errors never hold the token: that stands in a
// header, and errors of net/http name the method and the URL.
func (a *agent) call(ctx context.Context, method, address string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, a.Pace.Wait+grace)
	defer cancel()
	req, err := a.request(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := a.Client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusGone:
		return errOver
	case res.StatusCode == http.StatusUnprocessableEntity || res.StatusCode == http.StatusRequestEntityTooLarge:
		why, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return fmt.Errorf("%w: %s: %s", errUnfit, res.Status, bytes.TrimSpace(why))
	case res.StatusCode/100 != 2:
		return fmt.Errorf("%s %s: %s", method, req.URL.Path, res.Status)
	case into == nil:
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(into); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, req.URL.Path, err)
	}
	return nil
}

func (a *agent) request(ctx context.Context, method, address string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, address, err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

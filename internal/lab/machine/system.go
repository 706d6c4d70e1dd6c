package machine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// system is the installed system: it reads its first-boot configuration, asks
// for its address, phones home, and then is what its tenant makes of it.
func (l *life) system(ctx context.Context) stage {
	first := l.disks[0].firstBoot()
	if first == nil {
		return l.hang("the installed system has no first-boot configuration")
	}
	l.enter(Booting, first.Hostname)
	if _, struck := l.strike(SilentSystem); struck {
		return l.hang("the installed system stays silent")
	}
	if !l.online(ctx, first.Hostname) {
		return nil
	}
	said := l.phoneHome(ctx, *first)
	if ctx.Err() == nil {
		l.enter(Running, said)
	}
	return nil
}

// online asks for an address until there is one: a system that is up does not
// go away because a boot service does.
func (l *life) online(ctx context.Context, hostname string) bool {
	for i := 0; ctx.Err() == nil; i = min(i+1, tries) {
		try, cancel := context.WithTimeout(ctx, l.config.Patience<<i)
		got, err := l.converse(try, installed(hostname))
		if err == nil {
			cancel()
			l.configure(got)
			return true
		}
		<-try.Done()
		cancel()
	}
	return false
}

var errHomeRefused = errors.New("told to stop asking")

// phoneHome reports until it was heard, or told that the run is over. It
// returns what came of it, in words.
func (l *life) phoneHome(ctx context.Context, first metal.FirstBoot) string {
	where, calls := first.PhoneHomeURL, 1
	if _, struck := l.strike(StalePhoneHome); struck {
		where = earlier(where)
	}
	if _, struck := l.strike(PhonesHomeTwice); struck {
		calls = 2
	}
	for attempt := 0; calls > 0; attempt++ {
		err := l.report(ctx, where, first.Hostname)
		switch {
		case err == nil:
			calls--
			continue
		case errors.Is(err, errHomeRefused):
			return err.Error()
		}
		l.log.Debug("phone home", "attempt", attempt+1, "err", err)
		if !wait(ctx, pause(attempt)) {
			return ""
		}
	}
	return "phoned home"
}

// pause doubles up to some seconds, with jitter, so that a rack does not call
// in step after an outage.
func pause(attempt int) time.Duration {
	longest := min(200*time.Millisecond<<min(attempt, 10), 5*time.Second)
	return longest/2 + rand.N(longest/2)
}

func (l *life) report(ctx context.Context, where, hostname string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, where,
		strings.NewReader(url.Values{"hostname": {hostname}}.Encode()))
	if err != nil {
		return fmt.Errorf("phone home: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as cloud-init's phone_home
	response, err := l.client.Do(request)
	if err != nil {
		return fmt.Errorf("phone home: %w", err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusGone:
		return errHomeRefused
	case response.StatusCode/100 != 2:
		return fmt.Errorf("phone home: %s", response.Status)
	}
	return nil
}

// earlier is the same report with the number of the boot before.
func earlier(where string) string {
	u, err := url.Parse(where)
	if err != nil {
		return where
	}
	query := u.Query()
	if n, err := strconv.Atoi(query.Get(agent.QueryBoot)); err == nil {
		query.Set(agent.QueryBoot, strconv.Itoa(n-1))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

package agent

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func journalOf(text string) *Journal {
	j := NewJournal()
	_, _ = j.Write([]byte(text))
	return j
}

// told runs an agent with a log through a boot, and gives what was kept of it.
func told(t *testing.T, s *service, text string) string {
	t.Helper()
	s.jobs = []Job{leave}
	_, _, err := start(t, s, &disk{}, func(c *Config) { c.Journal = journalOf(text) })
	require.NoError(t, err)
	return string(s.log)
}

func TestTheWholeLogIsTakenBeforeTheMachineLeaves(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a line of the log\n", 20_000) // several pieces
	require.Equal(t, text, told(t, &service{}, text))
}

func TestAPieceWhoseAnswerWasLostIsKeptOnce(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a line of the log\n", 20_000)
	s, n := &service{}, 0
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != PathLog {
			return false
		}
		if n++; n%2 == 1 {
			s.takeLog(w, r) // it was kept, and the agent does not learn it
			panic(http.ErrAbortHandler)
		}
		return false
	}
	require.Equal(t, text, told(t, s, text))
}

func TestALaterLifeOfABootGoesOnBehindTheEarlierOnesLog(t *testing.T) {
	t.Parallel()
	require.Equal(t, "before the crash\nafter it\n", told(t, &service{log: []byte("before the crash\n")}, "after it\n"))
}

func TestALogThatNobodyTakesLosesItsMiddleAndSaysSo(t *testing.T) {
	t.Parallel()
	j := NewJournal()
	for i := range 100_000 {
		fmt.Fprintf(j, "line %06d of more than a MiB of log\n", i)
	}
	require.LessOrEqual(t, len(j.head)+len(j.tail), 1<<20)
	var all []byte
	for !j.empty() {
		at, piece := j.piece()
		require.Equal(t, int64(len(all)), at)
		all = append(all, piece...)
		j.taken(at+int64(len(piece)), true)
	}
	text := string(all)
	require.True(t, strings.HasPrefix(text, "line 000000"))
	require.True(t, strings.HasSuffix(text, "line 099999 of more than a MiB of log\n"))
	require.Contains(t, text, "bytes of this log are lost")
}

func TestWhatIsWrittenWhileAPieceIsOnItsWayFollowsIt(t *testing.T) {
	t.Parallel()
	j := journalOf("one\n")
	at, piece := j.piece()
	_, _ = j.Write([]byte("two\n"))
	j.taken(at+int64(len(piece)), true)
	at, piece = j.piece()
	require.Equal(t, int64(4), at)
	require.Equal(t, "two\n", string(piece))
}

func TestABootServiceThatForgotPartOfTheLogGetsTheRest(t *testing.T) {
	t.Parallel()
	j := journalOf("12345678")
	j.taken(4, true)
	j.taken(2, true) // it was restored from a copy: what it lost, we do not have any more
	at, piece := j.piece()
	require.Equal(t, int64(2), at)
	require.Equal(t, "5678", string(piece))
}

func TestStepsAreToldWithTheNewestLastAndNeverHoldWorkUp(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{install, leave}}, &disk{}
	release := make(chan struct{})
	s.fault = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != PathStep {
			return false
		}
		s.mu.Unlock()
		defer s.mu.Lock()
		select { // the first step is never answered; the install ends nevertheless
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	defer close(release)
	_, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, whole, d.did)
	require.Len(t, s.reports, 1)
}

func TestOfManyStepsTheNewestIsTold(t *testing.T) {
	t.Parallel()
	s := newSteps()
	for i := range int64(1000) {
		s.tell(Step{Step: "image", Done: i})
	}
	require.Equal(t, &Step{Step: "image", Done: 999}, s.take())
	require.Nil(t, s.take())
}

func TestStepsArriveAtTheBootService(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{wait}}
	s.watch = func(string, Job) {
		if len(s.steps) > 0 {
			s.jobs = []Job{leave}
		}
	}
	_, _, err := start(t, s, &disk{})
	require.NoError(t, err)
	require.Equal(t, Step{Step: "inventory"}, s.steps[0])
}

func TestABootServiceWithoutPathsForStepsAndLogIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	s, asked := &service{jobs: []Job{install, leave}}, map[string]int{}
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != PathStep && r.URL.Path != PathLog {
			return false
		}
		asked[r.URL.Path]++
		http.NotFound(w, r)
		return true
	}
	_, _, err := start(t, s, &disk{}, func(c *Config) { c.Journal, c.Pace.Flush = journalOf("hello\n"), time.Hour })
	require.NoError(t, err)
	require.Equal(t, 1, asked[PathLog])
	require.LessOrEqual(t, asked[PathStep], 1)
}

package api

import (
	"crypto/sha256"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"millwright/internal/metal"
)

// Limits are of how often somebody may ask: each user, with all of its keys;
// each key of a project; and each source address that comes with keys which
// open nothing. Its memory is bounded, whoever comes.
type Limits struct {
	callers   *buckets
	operators *buckets
	strangers *buckets
	visitors  *buckets // of pages that need no key
	known     *recent[[sha256.Size]byte, struct{}]
	now       func() time.Time
}

// What strangers may do. A key has 256 bits: guessing is hopeless at any speed,
// and this keeps it from costing us anything.
const (
	guessesPerSecond, guessBurst = 1, 30
	visitsPerSecond, visitBurst  = 2, 60
	operatorsFactor              = 10      // their scripts go over everybody's things
	mostRemembered               = 1 << 16 // callers, and sources: some 10 MB of each
)

// NewLimits lets each caller ask so often, and so much at once.
func NewLimits(perSecond float64, burst int) *Limits {
	return &Limits{
		callers:   newBuckets(perSecond, burst),
		operators: newBuckets(operatorsFactor*perSecond, operatorsFactor*burst),
		strangers: newBuckets(guessesPerSecond, guessBurst),
		visitors:  newBuckets(visitsPerSecond, visitBurst),
		known:     newRecent[[sha256.Size]byte, struct{}](mostRemembered),
		now:       time.Now,
	}
}

// buckets are token buckets by name, of which those are forgotten that nobody
// has asked for the longest time.
type buckets struct {
	rate  rate.Limit
	burst int
	all   *recent[string, *rate.Limiter]
}

func newBuckets(perSecond float64, burst int) *buckets {
	return &buckets{rate.Limit(perSecond), burst, newRecent[string, *rate.Limiter](mostRemembered)}
}

func (b *buckets) of(name string) *rate.Limiter {
	return b.all.get(name, func() *rate.Limiter { return rate.NewLimiter(b.rate, b.burst) })
}

// take takes a token if there is one, and says in the headers how many are left.
func (b *buckets) take(name string, now time.Time, h http.Header) error {
	bucket := b.of(name)
	allowed := bucket.AllowN(now, 1)
	b.tell(bucket, now, h)
	if allowed {
		return nil
	}
	return b.tooOften(bucket, now, h)
}

// tell writes the headers that packngo reads. Reset is when all may be asked
// again at once, in seconds since 1970.
func (b *buckets) tell(bucket *rate.Limiter, now time.Time, h http.Header) {
	left := max(0, bucket.TokensAt(now))
	full := now.Add(time.Duration((float64(b.burst) - left) / float64(b.rate) * float64(time.Second)))
	h.Set("X-RateLimit-Limit", strconv.Itoa(b.burst))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(full.Unix(), 10))
}

func (b *buckets) tooOften(bucket *rate.Limiter, now time.Time, h http.Header) error {
	wait := max(1, math.Ceil((1-bucket.TokensAt(now))/float64(b.rate)))
	h.Set("Retry-After", strconv.Itoa(int(wait)))
	return refuse(http.StatusTooManyRequests, "you ask too often; ask again in %.0f s, and not more than %g times a second", wait, float64(b.rate))
}

// admit counts a request of somebody whom we know.
func (l *Limits) admit(c metal.Caller, h http.Header) error {
	if c.Operator {
		return l.operators.take(c.Name(), l.now(), h)
	}
	return l.callers.take(c.Name(), l.now(), h)
}

// mayTry refuses the keys of a source that has come with too many wrong ones.
// Keys that were right before pass: one program with a stale key does not shut
// out all who share its address.
func (l *Limits) mayTry(source, key string, h http.Header) error {
	bucket, now := l.strangers.of(source), l.now()
	if bucket.TokensAt(now) >= 1 || l.known.has(sha256.Sum256([]byte(key))) {
		return nil
	}
	l.strangers.tell(bucket, now, h)
	return l.strangers.tooOften(bucket, now, h)
}

// tried remembers whether a key opened something.
func (l *Limits) tried(source, key string, opened bool, h http.Header) {
	hash := sha256.Sum256([]byte(key))
	if opened {
		l.known.get(hash, func() struct{} { return struct{}{} })
		return
	}
	l.known.drop(hash)
	_ = l.strangers.take(source, l.now(), h) // the next one is refused
}

// identify finds out who asks, unless they ask too often.
func (s *server) identify(r *http.Request, h http.Header) (metal.Caller, error) {
	key, source := keyOf(r), network(sourceOf(r))
	if s.Limits == nil {
		return s.Store.Caller(r.Context(), key)
	}
	if err := s.Limits.mayTry(source, key, h); err != nil {
		return metal.Caller{}, err
	}
	caller, err := s.Store.Caller(r.Context(), key)
	if err == nil || errors.Is(err, metal.ErrBadCredentials) {
		s.Limits.tried(source, key, err == nil, h)
	}
	if err != nil {
		return caller, err
	}
	return caller, s.Limits.admit(caller, h)
}

// Visits limits how often a source address asks for what needs no key.
func (l *Limits) Visits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := l.visitors.take(network(sourceOf(r)), l.now(), w.Header()); err != nil {
			said := refusalOf(err)
			answerJSON(w, said.code, map[string][]string{"errors": said.words})
			return
		}
		next.ServeHTTP(w, r)
	})
}

//go:build !race

package workflows

import (
	"errors"
	"math/rand/v2"
	"time"
)

// mood is what a seed is like: stories in which everything goes wrong find other
// faults than those in which one thing does.
type mood struct {
	machines int
	twins    bool
	scenes   int           // how often something is done
	pace     time.Duration // between two scenes, about
	tending  time.Duration // between two reconciles
	fates    map[fate]float64
	torn     float64 // how often a device's answer is lost, after its effect
	weary    bool    // outages may be longer than any limit
}

// fate is what becomes of one attempt of an activity.
type fate int

const (
	smooth   fate = iota
	stumbles      // it fails, nothing happened, and it is tried again
	mute          // it takes effect, the answer is lost, and it is tried again
	echoes        // it runs twice
	lags          // it takes long
	haunts        // nobody hears of it, it is tried again, and takes effect later
	refused       // it fails for good, and nothing happened
	spoilt        // it takes effect, and fails for good
)

func (f fate) String() string {
	return [...]string{"", "fails before its effect", "answer lost", "runs twice", "takes long", "is a ghost", "fails for good", "takes effect and fails for good"}[f]
}

// fatal says that no retry follows.
func (f fate) fatal() bool { return f == refused || f == spoilt }

func newMood(r *rand.Rand) mood {
	m := mood{
		machines: 2 + r.IntN(4),
		twins:    r.IntN(4) == 0,
		scenes:   10 + r.IntN(30),
		pace:     time.Duration(1+r.IntN(8)) * time.Minute,
		tending:  time.Duration(2+r.IntN(15)) * time.Minute,
		weary:    r.IntN(12) == 0,
		fates:    map[fate]float64{},
	}
	if !m.twins && r.IntN(3) > 0 { // two switches answer side by side, in no order
		m.torn = 0.05
	}
	for f := stumbles; f <= haunts; f++ {
		if r.IntN(3) > 0 {
			m.fates[f] = []float64{0.01, 0.03, 0.1, 0.2}[r.IntN(4)]
		}
	}
	if r.IntN(3) == 0 { // else every end must be a clean one
		m.fates[refused], m.fates[spoilt] = 0.01, 0.01
	}
	return m
}

// drawn is what becomes of the next attempt.
func (s *story) drawn() fate {
	if s.healed {
		return smooth
	}
	x := s.chance.Float64()
	for f := stumbles; f <= spoilt; f++ {
		if x -= s.mood.fates[f]; x < 0 {
			return f
		}
	}
	return smooth
}

// tear is what becomes of a device's answer.
func (s *story) tear() error {
	if s.healed || s.chance.Float64() >= s.mood.torn {
		return nil
	}
	s.say("a device did so, and its answer is lost")
	return errors.New("connection closed before the answer")
}

// some is a time of about d: never twice the same, so that no two things happen
// at one moment.
func some(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(float64(d)*(0.1+1.8*r.Float64())) + 1
}

// rarely is a time of about d, now and then a much longer one.
func rarely(r *rand.Rand, d time.Duration) time.Duration {
	if r.IntN(5) == 0 {
		d *= 6
	}
	return some(r, d)
}

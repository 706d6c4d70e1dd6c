package agent

import "time"

// Pace is how long the agent waits for what. Zero fields take the defaults.
type Pace struct {
	Wait  time.Duration // how long the boot service may hold a question
	Retry time.Duration // the longest pause between two attempts
	Over  time.Duration // how long a boot that is over is asked about before the power goes off
	Stall time.Duration // an image that brings no byte for so long is asked for again
	Tell  time.Duration // the shortest time between two steps, or two pieces of log
	Flush time.Duration // how long a machine that leaves waits for its log to be taken

	Lenience time.Duration // how long a step may take to notice that its time is over
}

const (
	defaultWait  = 20 * time.Second // under the minute after which middleboxes forget a connection
	defaultRetry = 5 * time.Second
	// A boot may look over because the run raises the number just before it
	// power-cycles the machine; that takes seconds. What is left after two
	// minutes is a machine that nobody wants to run.
	defaultOver  = 2 * time.Minute
	defaultStall = 30 * time.Second
	defaultTell  = time.Second
	defaultFlush = 5 * time.Second

	defaultLenience = 30 * time.Second // a disk's command that must end before another one is taken
)

func (p Pace) orDefault() Pace {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&p.Wait, defaultWait}, {&p.Retry, defaultRetry}, {&p.Over, defaultOver},
		{&p.Stall, defaultStall}, {&p.Tell, defaultTell}, {&p.Flush, defaultFlush}, {&p.Lenience, defaultLenience},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	return p
}

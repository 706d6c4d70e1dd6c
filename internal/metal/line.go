package metal

import (
	"fmt"
	"time"
)

// Turn is a device's place in the line for a plan's machines at a site.
type Turn struct {
	Place    int       `json:"place"`             // from 1
	Waiting  int       `json:"waiting"`           // in the whole line
	Idle     int       `json:"idle"`              // machines at this moment
	Since    time.Time `json:"since"`             // when it joined
	Until    time.Time `json:"until"`             // then its order fails
	Expected time.Time `json:"expected,omitzero"` // when its turn comes, as far as is known; zero: nobody can say
}

// String is the turn in a clause.
func (t Turn) String() string {
	expected := "nobody can say when"
	if !t.Expected.IsZero() {
		expected = "expected about " + t.Expected.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("place %d of %d, %s", t.Place, t.Waiting, expected)
}

// Words are the turn in a sentence for tenants.
func (t Turn) Words() string {
	return fmt.Sprintf("Waits for a machine: %s; the order fails at %s", t, t.Until.UTC().Format(time.RFC3339))
}

// Waiter is a device that waits in a line.
type Waiter struct {
	Device   DeviceID  `json:"device"`
	Hostname string    `json:"hostname"`
	Project  ProjectID `json:"project"`
	Site     SiteID    `json:"site"`
	Plan     PlanID    `json:"plan"`
	Turn
}

// LineCount is how long the line for a plan's machines at a site is.
type LineCount struct {
	Site     SiteID
	Plan     PlanID
	Waiting  int
	Longest  time.Duration // that anybody in it has waited
	Expected time.Time     // the last one's turn; zero: nobody can say, or nobody waits
}

// Outlook is what is known of when machines of a plan come free at a site.
type Outlook struct {
	Idle      int           // now
	Clearing  int           // on their way to the pool
	Clear     time.Duration // how long that way takes, by the median of a day
	LeftInDay int           // tenants that left in a day
}

// At says when so many machines will have come free, counted from now; zero
// where nothing is known. Those that are being cleared come within the time that
// clearing takes; the rest as tenants left in the last day.
func (o Outlook) At(now time.Time, machines int) time.Time {
	if machines <= o.Idle {
		return now
	}
	machines -= o.Idle
	if machines <= o.Clearing {
		return now.Add(o.Clear)
	}
	if o.LeftInDay == 0 {
		return time.Time{}
	}
	each := 24 * time.Hour / time.Duration(o.LeftInDay)
	return now.Add(o.Clear + time.Duration(machines-o.Clearing)*each)
}

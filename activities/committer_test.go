package activities_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// slow makes a commit take as long as a switch that is quick.
func slow(c *netconf.Config) { c.CommitDelay = 700 * time.Millisecond }

// taken is an uplink with the address that the first tenant of a lab gets:
// the switch refuses to have it twice.
func taken(c *netconf.Config) {
	c.Initial = `<configuration><interfaces><interface><name>et-0/0/48</name><unit><name>0</name>
		<family><inet><address><name>198.51.100.0/31</name></address></inet></family></unit></interface></interfaces></configuration>`
}

func TestFortyEightPortsAtOnceTakeFourCommitsAtMost(t *testing.T) {
	t.Parallel()
	r := newRack(t, 48, slow)
	for _, err := range r.allAtOnce(r.committer(r.store), metal.Tenant) {
		require.NoError(t, err)
	}
	require.LessOrEqual(t, r.lab.Commits(), 4, "each change is a confirmed commit and its confirmation")
	require.Empty(t, r.lost())
	require.Zero(t, r.pending())
}

func TestOneBadPortAmongFortyEightFailsAlone(t *testing.T) {
	t.Parallel()
	r := newRack(t, 48, taken)
	bad := 0
	for i, err := range r.allAtOnce(r.committer(r.store), metal.Tenant) {
		outcome := r.outcome(i)
		if err == nil {
			require.Equal(t, int64(2), outcome.Applied)
			continue
		}
		bad++
		require.ErrorIs(t, err, metal.ErrConfigRefused)
		require.ErrorContains(t, err, r.ports[i].String())
		require.ErrorContains(t, err, "identical local address 198.51.100.0/31", "the switch's words")
		require.EqualValues(t, 2, outcome.Refused)
		require.Contains(t, err.Error(), outcome.Why)
	}
	require.Equal(t, 1, bad)
	require.Len(t, r.lost(), 1)
	commits, err := r.store.Queries().ListCommits(t.Context(), query.ListCommitsParams{Most: 10})
	require.NoError(t, err)
	require.NotEmpty(t, commits, "what was committed is kept, with who was left out")
}

// Two workers serve one switch. Each has ports of its own and changes its mind
// at random; one port is refused whenever it is opened.
func TestTwoWorkersOnOneSwitchLoseNothingAndEachAskGetsItsOwnAnswer(t *testing.T) {
	t.Parallel()
	r := newRack(t, 16, taken)
	bad := r.portOf("198.51.100.0/31")
	workers := []func(int, metal.Profile) error{}
	for range 2 {
		c := r.committer(r.store)
		workers = append(workers, func(i int, p metal.Profile) error { return r.bring(c, i, p) })
	}
	var side sync.WaitGroup
	for i := range r.claims {
		side.Go(func() {
			dice := rand.New(rand.NewPCG(3, uint64(i)))
			for range 4 {
				profile := []metal.Profile{metal.Parked, metal.Tenant}[dice.IntN(2)]
				err := workers[dice.IntN(2)](i, profile)
				if i == bad && profile == metal.Tenant {
					if !errors.Is(err, metal.ErrConfigRefused) {
						t.Errorf("port %s, %s: %v", r.ports[i], profile, err)
					}
				} else if err != nil {
					t.Errorf("port %s, %s: %v", r.ports[i], profile, err)
				}
				if got := r.lab.Port(r.ports[i].Name); err == nil && (len(got.Addresses) > 1) != (profile == metal.Tenant) {
					t.Errorf("port %s is told to be %s, and has %v", r.ports[i], profile, got.Addresses)
				}
			}
		})
	}
	side.Wait()
	require.Zero(t, r.pending())
	for _, d := range r.lost() {
		require.Equal(t, r.ports[bad], d.Port)
	}
}

// portOf is whose device has a link.
func (r *rack) portOf(prefix string) int {
	for i, claim := range r.claims {
		leases, err := r.store.Queries().LeasesOfDevice(r.Context(), string(claim.Device))
		require.NoError(r, err)
		for _, l := range leases {
			if l.Prefix.String() == prefix {
				return i
			}
		}
	}
	require.Fail(r, "no device has "+prefix)
	return 0
}

func TestAPortThatChangesWhileItsCommitIsUnderWayEndsAsAskedLast(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	var once sync.Once
	later := make(chan error, 1)
	store := &disturbed{Store: r.store}
	c := r.committer(store)
	store.asked = func(ctx context.Context) {
		once.Do(func() {
			want, err := r.store.SetPorts(ctx, r.claims[0], metal.Parked)
			if err != nil {
				later <- err
				return
			}
			go func() { later <- c.Bring(r.Context(), want) }()
		})
	}
	require.NoError(t, r.bring(c, 0, metal.Tenant), "what it waits for was read back, however briefly")
	require.NoError(t, <-later)
	require.EqualValues(t, 3, r.outcome(0).Applied)
	require.Len(t, r.lab.Port(r.ports[0].Name).Addresses, 1)
	require.Zero(t, r.pending())
}

// The switch refuses what nobody wants any more: that is no verdict on what is
// wanted now.
func TestARefusalOfWhatIsNotWantedAnyMoreIsNoVerdict(t *testing.T) {
	t.Parallel()
	r := newRack(t, 1)
	store := &disturbed{Store: r.store}
	var once sync.Once
	store.asked = func(ctx context.Context) {
		once.Do(func() {
			if _, err := r.store.SetPorts(ctx, r.claims[0], metal.Parked); err != nil {
				t.Error(err)
			}
		})
	}
	r.fault(netconf.CommitRefused, 1)
	c := r.committer(store)
	err := r.bring(c, 0, metal.Tenant)
	require.ErrorContains(t, err, "its intent changed while it was committed")
	require.NotErrorIs(t, err, metal.ErrConfigRefused)
	require.NoError(t, r.bring(c, 0, metal.Tenant))
	require.Empty(t, r.lost())
}

func TestASwitchThatIsAwayIsWeatherToEveryone(t *testing.T) {
	t.Parallel()
	r := newRack(t, 4)
	sw := r.sw()
	away, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, away.Close())
	r.moveSwitch(away.Addr().String())
	c := r.committer(r.store)
	for _, err := range r.allAtOnce(c, metal.Tenant) {
		require.ErrorContains(t, err, "log in")
		require.NotErrorIs(t, err, metal.ErrConfigRefused)
	}
	r.moveSwitch(sw.Address)
	for _, err := range r.allAtOnce(c, metal.Tenant) {
		require.NoError(t, err)
	}
	require.Empty(t, r.lost())
}

func (r *rack) moveSwitch(address string) {
	sw, err := r.store.Queries().GetSwitch(r.Context(), string(r.ports[0].Switch))
	require.NoError(r, err)
	require.NoError(r, r.store.Queries().UpsertSwitch(r.Context(), query.UpsertSwitchParams{
		ID: sw.ID, Site: sw.Site, Rack: sw.Rack, Address: address, HostKey: sw.HostKey, Credential: sw.Credential, Driver: sw.Driver,
	}))
}

func TestACommitWhoseAnswerIsLostIsFoundAndKept(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	r.fault(netconf.DropAfterCommit, 1)
	for _, err := range r.allAtOnce(r.committer(r.store), metal.Tenant) {
		require.NoError(t, err)
	}
	require.Empty(t, r.lost())
	history := r.lab.History()
	require.NotEqual(t, netconf.Confirmed, history[len(history)-1].Kind, "nothing is left to be rolled back")
}

func TestACommitThatWasLostBeforeItsEffectIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRack(t, 1)
	r.fault(netconf.DropBeforeCommit, 1)
	c := r.committer(r.store)
	require.Error(t, r.bring(c, 0, metal.Tenant))
	require.Zero(t, r.outcome(0).Applied, "nothing counts as applied that was not read back")
	require.NoError(t, r.bring(c, 0, metal.Tenant))
	require.Empty(t, r.lost())
}

var errAway = errors.New("the database is away")

func TestACommitThatCouldNotBeNotedAtOnceIsNotedLater(t *testing.T) {
	t.Parallel()
	r := newRack(t, 1)
	c := r.committer(&disturbed{Store: r.store, note: func(try int) error {
		if try < 3 {
			return errAway
		}
		return nil
	}})
	require.NoError(t, r.bring(c, 0, metal.Tenant))
	require.Equal(t, 2, r.lab.Commits())
	commits, err := r.store.Queries().ListCommits(t.Context(), query.ListCommitsParams{Most: 10})
	require.NoError(t, err)
	require.Len(t, commits, 1, "its history is whole")
}

func TestACommitThatWasNeverNotedIsFoundApplied(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	gone := r.committer(&disturbed{Store: r.store, note: func(int) error { return errAway }})
	gone.Patience = time.Millisecond
	for _, err := range r.allAtOnce(gone, metal.Tenant) {
		require.ErrorIs(t, err, errAway)
		require.NotErrorIs(t, err, metal.ErrConfigRefused)
	}
	require.Empty(t, r.lost())
	require.Equal(t, 2, r.pending())
	commits := r.lab.Commits()
	for _, err := range r.allAtOnce(r.committer(r.store), metal.Tenant) {
		require.NoError(t, err)
	}
	require.Equal(t, commits, r.lab.Commits(), "it was so already")
	require.Zero(t, r.pending())
}

func TestARefusedPortIsJudgedAgainWhenItIsAskedForAgain(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	c := r.committer(r.store)
	r.fault(netconf.CommitRefused, 1)
	require.ErrorIs(t, r.bring(c, 0, metal.Tenant), metal.ErrConfigRefused)
	require.NoError(t, r.bring(c, 1, metal.Tenant))
	require.EqualValues(t, 2, r.outcome(0).Refused, "another's commit does not try it again")
	require.NoError(t, r.bring(c, 0, metal.Tenant))
	require.Zero(t, r.outcome(0).Refused)
	require.Empty(t, r.lost())
}

func TestWhoLeavesIsNotWaitedForAndItsPortIsBroughtAllTheSame(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	r.fault(netconf.LockHeld, 0)
	c := r.committer(r.store)
	want, err := r.store.SetPorts(t.Context(), r.claims[0], metal.Tenant)
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	told := make(chan error, 1)
	go func() { told <- c.Bring(ctx, want) }()
	leave()
	require.ErrorIs(t, <-told, context.Canceled)
	r.lab.ClearFaults()
	require.NoError(t, r.bring(c, 1, metal.Tenant))
	require.Empty(t, r.lost())
}

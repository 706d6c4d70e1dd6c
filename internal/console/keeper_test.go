package console_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc/ipmitest"
	"millwright/internal/console"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

func TestAConsoleIsRecordedFromClaimToPhoneHomeAndNotAfter(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.keeper("a")
	machine := r.bmc.Machine(t)
	_, err := machine.Write([]byte("idle\r\n"))
	require.NoError(t, err)
	claim := r.claim()
	r.prints(machine, "SeaBIOS (version 1.16)")
	r.exec("update boot_intents set number = 7, job = 'install', run = 'device/x'")
	r.eventually(func() bool { return r.boot() == 7 || r.says(machine, "iPXE") }, "the next boot has a record of its own")

	require.NoError(t, r.store.ActivateDevice(t.Context(), claim, metal.Ending{State: metal.Active}))
	r.eventually(func() bool { return r.keptBy() == "" }, "the console is left")
	was := r.recorded()
	_, err = machine.Write([]byte("the tenant's secrets\r\n"))
	require.NoError(t, err)
	require.Equal(t, was, r.recorded())
	require.NotContains(t, r.log.String(), ipmitest.Password)
}

func (r *rig) says(machine interface{ Write([]byte) (int, error) }, text string) bool {
	_, err := machine.Write([]byte(text + "\r\n"))
	require.NoError(r.t, err)
	return false
}

// boot is the newest boot with a record.
func (r *rig) boot() int64 {
	row, err := r.store.Queries().FindConsole(r.t.Context(), query.FindConsoleParams{Machine: "m1", Boot: -1})
	if err != nil {
		return -1
	}
	return row.Boot
}

// keptBy is who has the machine's console.
func (r *rig) keptBy() string {
	keeper, err := r.store.Queries().ConsoleKeeper(r.t.Context(), "m1")
	if err != nil {
		return ""
	}
	return keeper
}

func TestAConsoleWhoseProcessIsKilledIsOpenedAgain(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.keeper("a")
	machine := r.bmc.Machine(t)
	r.claim()
	r.prints(machine, "before")
	pid := r.ipmitool()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	r.prints(machine, "after")
	require.NotEqual(t, pid, r.ipmitool())
}

// ipmitool is the process that has the console open.
func (r *rig) ipmitool() int {
	r.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(r.t, err)
	for _, f := range files {
		line, _ := os.ReadFile(f)
		if strings.Contains(string(line), "sol\x00activate") && strings.Contains(string(line), "\x00"+strconv.Itoa(r.bmc.Port)+"\x00") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			require.NoError(r.t, err)
			return pid
		}
	}
	r.t.Fatal("no process has the console open")
	return 0
}

func TestTheConsoleOfADeadKeeperIsTakenOver(t *testing.T) {
	t.Parallel()
	r := setup(t)
	machine := r.bmc.Machine(t)
	r.claim()
	dead := &cut{Leases: r.store}
	r.keeper("dead", func(k *console.Keeper) { k.Leases = dead })
	r.prints(machine, "first")
	_, stop := r.keeper("heir")
	dead.away.Store(true) // it neither renews nor leaves, and its session stays
	r.eventually(func() bool { return r.keptBy() == "heir" }, "the heir has the console")
	r.prints(machine, "second")
	require.Equal(t, "heir", r.keptBy())
	stop()
	r.eventually(func() bool { return r.keptBy() == "" }, "a keeper that is stopped leaves its consoles")
}

// cut is a store that a keeper does not reach while it is away.
type cut struct {
	console.Leases
	console.Records
	away atomic.Bool
}

var errAway = errors.New("connection refused")

func (c *cut) ConsolesWanted(ctx context.Context, site metal.SiteID, attached []metal.MachineID) ([]metal.ConsoleWatch, error) {
	if c.away.Load() {
		return nil, errAway
	}
	return c.Leases.ConsolesWanted(ctx, site, attached)
}

func (c *cut) WriteConsole(ctx context.Context, id int64, keeper string, body []byte) (bool, error) {
	if c.away.Load() {
		return false, errAway
	}
	return c.Records.WriteConsole(ctx, id, keeper, body)
}

func TestWhatIsPrintedWhilePostgresIsAwayIsRecordedAfterwards(t *testing.T) {
	t.Parallel()
	r := setup(t)
	store := &cut{Leases: r.store, Records: r.store}
	k, _ := r.keeper("a", func(k *console.Keeper) { k.Leases, k.Records, k.Lease = store, store, time.Minute })
	machine := r.bmc.Machine(t)
	r.claim()
	r.prints(machine, "before")
	seat, err := k.Attach(t.Context(), "m1")
	require.NoError(t, err)
	defer seat.Leave()
	store.away.Store(true)
	_, err = machine.Write([]byte("meanwhile\r\n"))
	require.NoError(t, err)
	requireSees(t, seat, "meanwhile")
	require.NotContains(t, r.recorded(), "meanwhile")
	store.away.Store(false)
	r.requireRecorded("meanwhile")
}

func TestOfTwoKeepersOneReads(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.keeper("a")
	r.keeper("b")
	machine := r.bmc.Machine(t)
	r.claim()
	r.prints(machine, "once")
	first := r.keptBy()
	for i := range 5 {
		r.prints(machine, "line "+strconv.Itoa(i))
	}
	require.Equal(t, first, r.keptBy())
	require.NotContains(t, r.log.String(), "ends a session", "neither throws the other out")
}

func TestAMachineWithoutAConsoleIsNotedOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.bmc.Stop()
	var asked atomic.Int32
	r.keeper("a", func(k *console.Keeper) {
		k.Open = func(context.Context, metal.BMC) (closer, error) {
			asked.Add(1)
			return nil, errors.Join(errors.New("SOL payload disabled"), metal.ErrUnsupported)
		}
	})
	claim := r.claim()
	r.eventually(func() bool { return strings.Contains(r.note(), "SOL payload disabled") }, "the record says why it is empty")
	require.NoError(t, r.store.ActivateDevice(t.Context(), claim, metal.Ending{State: metal.Active}))
	r.eventually(func() bool { return r.keptBy() == "" }, "the console is left")
	r.exec("update machines set state = 'claimed', epoch = epoch + 1")
	r.eventually(func() bool { return r.keptBy() == "a" }, "the next run comes")
	r.eventually(func() bool { return strings.Contains(r.note(), "SOL payload disabled") }, "its record says so, too")
	require.EqualValues(t, 1, asked.Load())
	require.Equal(t, 1, strings.Count(r.log.String(), "has no serial console"))
}

func (r *rig) note() string {
	row, err := r.store.Queries().FindConsole(r.t.Context(), query.FindConsoleParams{Machine: "m1", Boot: -1})
	if err != nil {
		return ""
	}
	return row.Note
}

func TestAConsoleThatIsDeclinedInTheSiteFileIsNotTouched(t *testing.T) {
	t.Parallel()
	r := setupWith(t, ", console: none")
	r.claim()
	wanted, err := r.store.ConsolesWanted(t.Context(), "lab1", nil)
	require.NoError(t, err)
	require.Empty(t, wanted)
}

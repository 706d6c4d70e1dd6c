package drive

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"millwright/internal/erasure"
	"millwright/internal/metal"
)

const smallDisk = 8 * pieceSize

// erasing runs in a bubble: its polls take no time.
func erasing(t *testing.T, h handle, disk Disk, mode erasure.Mode, check func(erasure.Certificate, error)) {
	t.Parallel()
	var certificate erasure.Certificate
	var err error
	synctest.Test(t, func(t *testing.T) {
		certificate, err = eraseOpen(t.Context(), h, disk, mode, nil)
	})
	check(certificate, err)
}

func TestSanitizeIsFollowedToItsEndAndReadBack(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase|blockErase|overwrites, 0)
	f.fill()
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "NVMe sanitize, crypto erase", c.Method)
		require.Equal(t, erasure.Purge, c.Grade)
		require.Equal(t, erasure.Whole, c.Verified.Extent)
		require.EqualValues(t, smallDisk, c.Verified.Bytes)
		require.EqualValues(t, smallDisk, c.Verified.Known)
		require.False(t, c.Verified.Zero)
		require.Equal(t, 1, f.sent(nvmeSanitize))
		require.Zero(t, f.writes, "what a disk holds is enough to see that it goes")
	})
}

func TestSanitizeTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	f := newNVMe(smallDisk, blockErase, 0)
	f.fill()
	var told []int
	synctest.Test(t, func(t *testing.T) {
		_, err := eraseOpen(t.Context(), f, f.disk(), erasure.Full, func(step string, percent int) {
			if step == "sanitize" {
				told = append(told, percent)
			}
		})
		require.NoError(t, err)
	})
	require.Equal(t, []int{0, 30, 60, 90, 100}, told)
}

func TestAnEmptyDiskIsGivenSomethingToLose(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase, 0)
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.True(t, c.Verified.Marked)
		require.EqualValues(t, 3*pieceSize, c.Verified.Known)
	})
}

func TestADiskThatKeepsNothingIsNotJudged(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase, 0)
	f.deaf = true
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
		require.ErrorContains(t, err, "does not keep what is written")
	})
}

func TestASanitizeThatFailsIsAnErrorAndNoOtherMethodIsTried(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase|blockErase, 1<<2)
	f.fill()
	f.ended = sanitizeFailed
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
		require.ErrorContains(t, err, "sanitizing failed: replace it")
		require.Equal(t, 1, f.sent(nvmeSanitize))
		require.Zero(t, f.sent(nvmeFormat))
	})
}

func TestASanitizeThatNeverEndsIsGivenUpAtTwiceItsEstimate(t *testing.T) {
	f := newNVMe(smallDisk, blockErase, 0)
	f.fill()
	f.stuck, f.estimate = true, 600
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorContains(t, err, "still not done after 20m0s")
	})
}

func TestASanitizeOfAnEarlierBootIsAwaitedAndNotStartedAgain(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase|blockErase, 0)
	f.fill()
	f.state, f.running = sanitizeRunning, 2
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "NVMe sanitize, begun by an earlier boot", c.Method)
		require.True(t, c.Verified.Zero)
		require.Equal(t, erasure.Whole, c.Verified.Extent)
		require.Zero(t, f.sent(nvmeSanitize))
	})
}

// Nothing says what was there before a crypto erase of an earlier boot, so noise
// proves nothing.
func TestNoiseOfAnEarlierBootsSanitizeIsErasedOnceMore(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase, 0)
	f.fill()
	f.state, f.running = sanitizeRunning, 4
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "NVMe sanitize, crypto erase", c.Method)
		require.Equal(t, 1, f.sent(nvmeSanitize))
		require.Contains(t, strings.Join(c.Notes, "\n"), "erased once more since")
	})
}

func TestARefusedSanitizeIsNotedAndTheDiskIsFormatted(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase|blockErase, 1<<2)
	f.fill()
	f.refuse[nvmeSanitize] = nvmeStatus(0x028)
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "NVMe format, crypto erase", c.Method)
		require.Len(t, c.Notes, 2)
		require.Contains(t, c.Notes[0], "prohibited by command and feature lockdown")
	})
}

func TestADiskThatRefusesAllIsOverwritten(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase, 1<<2)
	f.fill()
	f.refuse[nvmeSanitize], f.refuse[nvmeFormat] = nvmeStatus(0x001), nvmeStatus(0x10a)
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "overwritten with zeroes", c.Method)
		require.Equal(t, erasure.Clear, c.Grade)
		require.True(t, c.Verified.Zero)
		require.Len(t, c.Notes, 3)
	})
}

// An Internal Error may come after half of the work.
func TestAFormatThatBreaksOffIsNoRefusal(t *testing.T) {
	f := newNVMe(smallDisk, 0, 1<<2)
	f.fill()
	f.refuse[nvmeFormat] = nvmeStatus(0x006)
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorContains(t, err, "NVMe status 0x006")
	})
}

func TestANamespaceAmongOthersIsNotSanitized(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase, 1<<2|1<<1)
	f.fill()
	f.active = []uint32{1, 2}
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Zero(t, f.sent(nvmeSanitize))
		require.Zero(t, f.sent(nvmeFormat), "its secure erase concerns every namespace")
		require.Equal(t, "overwritten with zeroes", c.Method)
		require.Contains(t, c.Notes[0], "more namespaces")
	})
}

func TestADiskThatHasChangedPlacesIsNotErased(t *testing.T) {
	f := newNVMe(smallDisk, cryptoErase, 0)
	f.fill()
	disk := f.disk()
	disk.Serial = "ANOTHER"
	erasing(t, f, disk, erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorContains(t, err, "list the disks again")
		require.Zero(t, f.sent(nvmeSanitize))
	})
}

func TestADiskThatDisappearsIsNamedGone(t *testing.T) {
	f := newNVMe(smallDisk, blockErase, 0)
	f.fill()
	answer := f.nvme
	f.nvme = func(c nvmeCommand) (uint32, error) {
		f.gone = f.progress > 20000
		return answer(c)
	}
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, ErrGone)
		require.NotErrorIs(t, err, metal.ErrUnprovenErasure, "it may come back")
	})
}

func TestAMediaErrorBeforeAndAfterIsNamed(t *testing.T) {
	t.Parallel()
	for name, ruin := range map[string]func(*fakeNVMe){
		"before": func(f *fakeNVMe) { f.bad[2*pieceSize] = syscall.EIO },
		"after": func(f *fakeNVMe) {
			answer := f.nvme
			f.nvme = func(c nvmeCommand) (uint32, error) {
				if f.state == sanitizeDone {
					f.bad[2*pieceSize] = syscall.EIO
				}
				return answer(c)
			}
			f.state = sanitizeRunning
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newNVMe(smallDisk, blockErase, 0)
			f.fill()
			ruin(f)
			erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
				require.ErrorIs(t, err, ErrMedia)
				require.ErrorIs(t, err, metal.ErrUnprovenErasure)
				require.ErrorContains(t, err, "2097152")
			})
		})
	}
}

// A wait that was cut short proves nothing against the disk.
func TestTheEndOfTheContextWhileAnEarlierSanitizeRunsIsNoVerdict(t *testing.T) {
	t.Parallel()
	f := newNVMe(smallDisk, blockErase, 0)
	f.state, f.running, f.stuck = sanitizeRunning, 2, true
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := eraseOpen(ctx, f, f.disk(), erasure.Full, func(string, int) { cancel() })
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, metal.ErrUnprovenErasure)
	})
}

func TestTheEndOfTheContextEndsTheWait(t *testing.T) {
	t.Parallel()
	f := newNVMe(smallDisk, blockErase, 0)
	f.fill()
	f.stuck, f.estimate = true, 36000
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := eraseOpen(ctx, f, f.disk(), erasure.Full, func(step string, _ int) {
			if step == "sanitize" {
				cancel()
			}
		})
		require.ErrorIs(t, err, context.Canceled)
	})
}

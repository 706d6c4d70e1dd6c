package drive

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/erasure"
	"millwright/internal/metal"
)

func TestATASanitizeIsPreferredAndFollowed(t *testing.T) {
	f := newATA(smallDisk).set(59, 12, 13, 15).set(128, securitySupported, securityEnhanced)
	f.fill()
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "ATA sanitize, crypto scramble", c.Method)
		require.Equal(t, erasure.Purge, c.Grade)
		require.Zero(t, f.sent(ataSetPassword))
	})
}

func TestSecurityEraseIsEnhancedAndLeavesNoPassword(t *testing.T) {
	f := newATA(smallDisk).set(128, securitySupported, securityEnhanced)
	f.words[90] = 50 // 100 minutes
	f.fill()
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "ATA security erase, enhanced", c.Method)
		require.Empty(t, f.password)
		require.EqualValues(t, (200 * time.Minute).Milliseconds(), f.limits[ataEraseUnit])
	})
}

func TestAFrozenDiskIsOverwrittenAndTheCertificateSaysWhy(t *testing.T) {
	f := newATA(smallDisk).set(128, securitySupported, securityFrozen)
	f.fill()
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "overwritten with zeroes", c.Method)
		require.Contains(t, strings.Join(c.Notes, "\n"), "frozen by the firmware")
	})
}

func TestADiskThatIsFrozenWithAPasswordIsNotErased(t *testing.T) {
	f := newATA(smallDisk).set(128, securitySupported, securityFrozen)
	f.password = strings.Repeat("x", 32)
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, ErrFrozen)
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
	})
}

func TestADiskLockedBySomebodyElseIsNamedAndTriedOnce(t *testing.T) {
	f := newATA(smallDisk).set(128, securitySupported)
	f.password, f.locked = strings.Repeat("x", 32), true
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, ErrLocked)
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
		require.Equal(t, 1, f.sent(ataUnlock), "five attempts and the disk wants its power cut")
		require.Zero(t, f.sent(ataEraseUnit))
	})
}

func TestAPasswordOfAnInterruptedRunIsRemovedByTheNext(t *testing.T) {
	t.Parallel()
	f := newATA(smallDisk).set(128, securitySupported)
	f.fill()
	f.powerCuts = true
	synctest.Test(t, func(t *testing.T) {
		_, err := eraseOpen(t.Context(), f, f.disk(), erasure.Full, nil)
		require.ErrorIs(t, err, ErrGone)
		require.True(t, f.locked)
		f.gone = false // the power is back
		c, err := eraseOpen(t.Context(), f, f.disk(), erasure.Full, nil)
		require.NoError(t, err)
		require.Equal(t, "ATA security erase", c.Method)
		require.Empty(t, f.password)
		require.False(t, f.locked)
	})
}

func TestAnEraseUnitThatIsRefusedLeavesNoPasswordAndNoCertificate(t *testing.T) {
	t.Parallel()
	for name, fixed := range map[string]bool{"descriptor sense": false, "fixed sense": true} {
		t.Run(name, func(t *testing.T) {
			f := newATA(smallDisk).set(128, securitySupported)
			f.fill()
			f.fixed, f.fails[ataEraseUnit] = fixed, true
			erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
				require.ErrorContains(t, err, "security erase did not end well")
				require.ErrorContains(t, err, "ATA command 0xf4: status 0x51, error 0x04")
				require.Empty(t, f.password)
			})
		})
	}
}

func TestARefusedPasswordMeansAnotherMethod(t *testing.T) {
	f := newATA(smallDisk).set(128, securitySupported)
	f.fill()
	f.fails[ataSetPassword] = true
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "overwritten with zeroes", c.Method)
	})
}

func TestASATADiskThatLiesIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fakeATA{
		"sanitize":       newATA(smallDisk).set(59, 12, 15),
		"security erase": newATA(smallDisk).set(128, securitySupported),
		"enhanced":       newATA(smallDisk).set(128, securitySupported, securityEnhanced),
	} {
		t.Run(name, func(t *testing.T) {
			f.fill()
			f.lies = true
			erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
				require.ErrorIs(t, err, metal.ErrUnprovenErasure)
			})
		})
	}
}

func TestAnATASanitizeOfAnEarlierBootIsAwaited(t *testing.T) {
	f := newATA(smallDisk).set(59, 12, 15)
	f.fill()
	f.sanitize = ataSanitizeRuns
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "ATA sanitize, begun by an earlier boot", c.Method)
		require.True(t, c.Verified.Zero)
	})
}

func TestASanitizeThatEndsWithoutSayingSoIsAnError(t *testing.T) {
	f := newATA(smallDisk).set(59, 12, 15)
	f.fill()
	answer := f.scsi
	f.scsi = func(c scsiCommand) (scsiReply, error) {
		reply, err := answer(c)
		if f.progress > 0xffff {
			f.sanitize = 0
			reply = f.registers(0x50, 0, 0, 0)
		}
		return reply, err
	}
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorContains(t, err, "does not say that it did it")
	})
}

func TestHiddenAreasAreNamedAndNotErasedAround(t *testing.T) {
	t.Parallel()
	for name, supports := range map[string][2]int{
		"host protected area": {82, 10}, "accessible maximum": {119, 8}, "device configuration overlay": {83, 11},
	} {
		t.Run(name, func(t *testing.T) {
			f := newATA(smallDisk).set(supports[0], supports[1]).set(128, securitySupported)
			f.fill()
			f.native = smallDisk/512 + 99
			erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
				require.ErrorIs(t, err, ErrHidden)
				require.ErrorContains(t, err, name)
				require.ErrorContains(t, err, "hides 100 sectors")
				require.Zero(t, f.sent(ataEraseUnit))
			})
		})
	}
}

// SANITIZE reaches what is hidden (ACS-4 4.16.1).
func TestAHiddenAreaIsSanitizedAndNoted(t *testing.T) {
	f := newATA(smallDisk).set(82, 10).set(59, 12, 15)
	f.fill()
	f.native = smallDisk/512 + 99
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "ATA sanitize, block erase", c.Method)
		require.Contains(t, c.Notes[0], "hides 100 sectors")
	})
}

func TestOnlyAPromisedTrimErases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bits []int
		want string
	}{
		"deterministic zeroes":   {[]int{14, 5}, "discard"},
		"deterministic contents": {[]int{14}, "overwritten with zeroes"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newATA(smallDisk).set(169, 0).set(69, c.bits...)
			f.fill()
			f.zeroed = true
			erasing(t, f, f.disk(), erasure.Full, func(got erasure.Certificate, err error) {
				require.NoError(t, err)
				require.Equal(t, c.want, got.Method)
				require.EqualValues(t, smallDisk, got.Verified.Bytes)
			})
		})
	}
}

func TestEstimatesOfSecurityEraseAreReadInBothForms(t *testing.T) {
	t.Parallel()
	require.Equal(t, 508*time.Minute, eraseTime(254))
	require.Equal(t, 1000*time.Minute, eraseTime(1<<15|500))
	require.Zero(t, eraseTime(0))
}

func FuzzSenseIsReadWithoutHarm(f *testing.F) {
	f.Add([]byte{0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50})
	f.Add([]byte{0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 0x1b, 0, 0x80, 0x40, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := parseSense(b)
		require.LessOrEqual(t, s.progress, 100)
		require.LessOrEqual(t, s.key, byte(15))
		if a, ok := registers(b); ok {
			require.Less(t, a.lba, uint64(1)<<48)
		}
	})
}

func TestADiskThatSysfsHasNoSerialOfIsCertifiedByItsOwn(t *testing.T) {
	f := newATA(smallDisk)
	f.fill()
	disk := f.disk()
	disk.Serial = ""
	erasing(t, f, disk, erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, ataSerial, c.Serial)
	})
}

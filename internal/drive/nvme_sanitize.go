package drive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Sanitize actions (base 2.0, fig. 303) and the bits of SANICAP that offer them
// (fig. 275, byte 328).
var sanitizes = []struct {
	name     string
	action   uint32
	offer    uint32
	estimate int // its place in the log page, fig. 265: in seconds
}{
	{"NVMe sanitize, crypto erase", 4, 1 << 0, 16},
	{"NVMe sanitize, block erase", 2, 1 << 1, 12},
	{"NVMe sanitize, overwrite with zeroes", 3, 1 << 2, 8},
}

const (
	actionOverwrite = 3
	onePass         = 1 << 4 // OWPASS, bits 7:4; the pattern in CDW11 is zero
)

// sanitize starts one and waits for its end.
func (n *namespace) sanitize(ctx context.Context, action uint32, estimateAt int, progress Progress) error {
	before, err := n.sanitizeLog(ctx)
	if err != nil {
		return fmt.Errorf("ask for the sanitize status: %w: %w", errRefused, err)
	}
	_, err = n.Admin(ctx, nvmeCommand{
		Opcode: nvmeSanitize, CDW10: action | onePass, Timeout: askTimeout, // it returns at once
	})
	if err != nil && !errors.Is(err, statusSanitizeRunning) {
		return err
	}
	limit := deadline(time.Duration(before.estimate(estimateAt))*time.Second, n.bytes())
	return n.follow(ctx, limit, progress)
}

func (n *namespace) bytes() int64 {
	return int64(binary.LittleEndian.Uint64(n.self)) << n.lbads()
}

// sanitizeLog is log page 0x81 (base 2.0, fig. 265).
type sanitizeLog []byte

func (n *namespace) sanitizeLog(ctx context.Context) (sanitizeLog, error) {
	page := make([]byte, 512)
	return page, n.log(ctx, logSanitize, page)
}

// The states of SSTAT bits 2:0.
const (
	sanitizeNever    = 0
	sanitizeDone     = 1
	sanitizeRunning  = 2
	sanitizeFailed   = 3
	sanitizeDoneKept = 4 // done, blocks not deallocated
)

func (l sanitizeLog) state() int { return int(binary.LittleEndian.Uint16(l[2:]) & 7) }

// percent is SPROG, a fraction of 65536.
func (l sanitizeLog) percent() int { return int(binary.LittleEndian.Uint16(l)) * 100 / 65536 }

// estimate is in seconds; all ones means none.
func (l sanitizeLog) estimate(at int) uint32 {
	seconds := binary.LittleEndian.Uint32(l[at:])
	if seconds == 0xffffffff {
		return 0
	}
	return seconds
}

// follow waits for the end of the sanitize that is under way.
func (n *namespace) follow(ctx context.Context, limit time.Duration, progress Progress) error {
	return poll(ctx, limit, func() (bool, error) {
		log, err := n.sanitizeLog(ctx)
		if err != nil {
			return false, err
		}
		switch log.state() {
		case sanitizeRunning:
			progress.tell("sanitize", log.percent())
			return false, nil
		case sanitizeDone, sanitizeDoneKept:
			progress.tell("sanitize", 100)
			return true, nil
		case sanitizeFailed:
			return false, unproven("the disk says that sanitizing failed: replace it")
		}
		return false, unproven("the disk has forgotten the sanitize that it was asked for")
	})
}

// recover waits for a sanitize that an earlier boot began.
func (n *namespace) recover(ctx context.Context, progress Progress) (string, error) {
	if binary.LittleEndian.Uint32(n.controller[328:])&7 == 0 {
		return "", nil // has no sanitize, so no such log page either
	}
	log, err := n.sanitizeLog(ctx)
	if err != nil || log.state() != sanitizeRunning {
		return "", err
	}
	var longest uint32
	for _, s := range sanitizes {
		longest = max(longest, log.estimate(s.estimate))
	}
	limit := deadline(time.Duration(longest)*time.Second, n.bytes())
	return "NVMe sanitize, begun by an earlier boot", n.follow(ctx, limit, progress)
}

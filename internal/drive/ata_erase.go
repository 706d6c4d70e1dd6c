package drive

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Features of SANITIZE DEVICE, and the magic that each wants in the address, so
// that no stray command erases a disk (ACS-4 7.36).
const (
	sanitizeStatus   = 0x0000
	sanitizeCrypto   = 0x0011
	sanitizeBlock    = 0x0012
	magicCrypto      = 0x43727970 // "Cryp"
	magicBlock       = 0x426b4572 // "BkEr"
	ataSanitizeOK    = 1 << 15    // of the answer's count: completed without error
	ataSanitizeRuns  = 1 << 14
	ataSanitizeStuck = 1 << 13 // frozen
)

// Bits of word 128 (ACS-4 7.12.7.77).
const (
	securitySupported = iota
	securityEnabled
	securityLocked
	securityFrozen
	securityExpired
	securityEnhanced
)

// password is fixed and known, so that a disk whose erasure was interrupted can
// be unlocked by whoever reads this. It protects nothing: it only exists because
// SECURITY ERASE UNIT wants one.
const password = "millwright"

// securitySector is the one data block of the security commands (ACS-4 7.38 and
// following): word 0 has the choices, words 1 to 16 the password.
func securitySector(choices byte) []byte {
	sector := make([]byte, ataSector)
	sector[0] = choices
	copy(sector[2:34], password)
	return sector
}

// methods are what IDENTIFY offers, the strongest first.
func (a *ataDisk) methods(quick bool) ([]method, []string) {
	const has, hasCrypto, hasBlock = 12, 13, 15 // of word 59
	var all []method
	if a.bit(59, has) && a.bit(59, hasCrypto) {
		all = append(all, method{
			name: "ATA sanitize, crypto scramble", purges: true, allSectors: true,
			run: a.sanitizing(sanitizeCrypto, magicCrypto),
		})
	}
	if quick {
		return all, nil
	}
	if a.bit(59, has) && a.bit(59, hasBlock) {
		all = append(all, method{
			name: "ATA sanitize, block erase", purges: true, allSectors: true,
			run: a.sanitizing(sanitizeBlock, magicBlock),
		})
	}
	security, notes := a.security()
	return append(all, security...), notes
}

// security is SECURITY ERASE UNIT. The normal kind writes zeroes; the enhanced
// one a pattern of the vendor's, and also sectors that were replaced.
func (a *ataDisk) security() ([]method, []string) {
	if !a.bit(128, securitySupported) {
		return nil, nil
	}
	if a.bit(128, securityFrozen) {
		return nil, []string{"no ATA security erase: " + ErrFrozen.Error() + "; a suspend to RAM or plugging the disk in again thaws it"}
	}
	var all []method
	if a.bit(128, securityEnhanced) {
		all = append(all, method{name: "ATA security erase, enhanced", purges: true, run: a.securityErase(true)})
	}
	return append(all, method{name: "ATA security erase", zeroes: true, run: a.securityErase(false)}), nil
}

// recover waits for a sanitize that an earlier boot began, and removes the
// password that an interrupted erasure left behind.
func (a *ataDisk) recover(ctx context.Context, progress Progress) (string, error) {
	if err := a.unlock(ctx); err != nil {
		return "", err
	}
	if !a.bit(59, 12) {
		return "", nil
	}
	answer, err := a.sanitizeStatus(ctx)
	if err != nil || answer.count&ataSanitizeRuns == 0 {
		return "", nil // a disk that refuses the question runs none
	}
	return "ATA sanitize, begun by an earlier boot", a.follow(ctx, progress)
}

// unlock leaves the disk without a password. SECURITY UNLOCK counts attempts:
// after five the disk wants its power cut, so ours is tried once.
func (a *ataDisk) unlock(ctx context.Context) error {
	if !a.bit(128, securityEnabled) {
		return nil
	}
	if a.bit(128, securityFrozen) {
		return fmt.Errorf("a password is set, and %w: cut the disk's power, then try again", ErrFrozen)
	}
	if a.bit(128, securityLocked) {
		if _, err := exchange(ctx, a, taskFile{command: ataUnlock}, nil, securitySector(0), askTimeout); err != nil {
			return fmt.Errorf("%w: erase it with the PSID on its label, or replace it: %w", ErrLocked, err)
		}
	}
	return a.disablePassword(ctx)
}

func (a *ataDisk) disablePassword(ctx context.Context) error {
	if _, err := exchange(ctx, a, taskFile{command: ataDisablePassword}, nil, securitySector(0), askTimeout); err != nil {
		return fmt.Errorf("remove the password: %w: %w", ErrLocked, err)
	}
	if err := a.identify(ctx); err != nil {
		return err
	}
	if a.bit(128, securityEnabled) {
		return fmt.Errorf("remove the password: the disk says that one is still set: %w", ErrLocked)
	}
	return nil
}

// sanitizing starts one and follows it.
func (a *ataDisk) sanitizing(feature uint16, magic uint64) func(context.Context, Progress) error {
	return func(ctx context.Context, progress Progress) error {
		status, err := a.sanitizeStatus(ctx)
		if err != nil {
			return fmt.Errorf("ask for the sanitize status: %w: %w", errRefused, err)
		}
		if status.count&ataSanitizeStuck != 0 {
			return fmt.Errorf("%w: %w", errRefused, ErrFrozen)
		}
		command := taskFile{command: ataSanitize, features: feature, lba: magic}
		if _, err := exchange(ctx, a, command, nil, nil, askTimeout); err != nil {
			return err
		}
		return a.follow(ctx, progress)
	}
}

func (a *ataDisk) sanitizeStatus(ctx context.Context) (ataAnswer, error) {
	return exchange(ctx, a, taskFile{command: ataSanitize, features: sanitizeStatus}, nil, nil, askTimeout)
}

// follow waits for the sanitize's end. Progress is a fraction of 65536 in the
// lowest 16 bits of the address; ATA gives no estimate of a sanitize.
func (a *ataDisk) follow(ctx context.Context, progress Progress) error {
	return poll(ctx, deadline(0, a.bytes), func() (bool, error) {
		answer, err := a.sanitizeStatus(ctx)
		switch {
		case errors.As(err, new(ataError)):
			return false, unproven("the disk says that sanitizing failed: replace it: %w", began(err))
		case err != nil:
			return false, fmt.Errorf("ask how far the disk is: %w", err)
		case answer.count&ataSanitizeRuns != 0:
			progress.tell("sanitize", int(answer.lba&0xffff)*100/65536)
			return false, nil
		case answer.count&ataSanitizeOK == 0:
			return false, unproven("the disk ended sanitizing, and does not say that it did it: replace it")
		}
		progress.tell("sanitize", 100)
		return true, nil
	})
}

// began takes from an error that it was a refusal: something was under way.
func began(err error) error { return fmt.Errorf("%s", err.Error()) }

// securityErase sets a password, as the command wants, and erases, which removes
// it again. No way out of here leaves one behind on a disk that still answers.
func (a *ataDisk) securityErase(enhanced bool) func(context.Context, Progress) error {
	return func(ctx context.Context, progress Progress) error {
		progress.tell("security erase", 0)
		if _, err := exchange(ctx, a, taskFile{command: ataSetPassword}, nil, securitySector(0), askTimeout); err != nil {
			return err
		}
		err := a.eraseUnit(ctx, enhanced)
		if clean := a.withoutPassword(context.WithoutCancel(ctx)); clean != nil {
			return errors.Join(err, clean)
		}
		if err != nil {
			return fmt.Errorf("security erase did not end well: %w", began(err))
		}
		progress.tell("security erase", 100)
		return nil
	}
}

func (a *ataDisk) eraseUnit(ctx context.Context, enhanced bool) error {
	if _, err := exchange(ctx, a, taskFile{command: ataErasePrepare}, nil, nil, askTimeout); err != nil {
		return err
	}
	const enhancedErase = 1 << 1
	choices, word := byte(0), a.words[89]
	if enhanced {
		choices, word = enhancedErase, a.words[90]
	}
	limit := deadline(eraseTime(word), a.bytes)
	_, err := exchange(ctx, a, taskFile{command: ataEraseUnit}, nil, securitySector(choices), limit)
	return err
}

// withoutPassword looks whether one is set, and removes it.
func (a *ataDisk) withoutPassword(ctx context.Context) error {
	// The caller may be gone, and the disk busy with what it was asked for.
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := a.identify(ctx); err != nil {
		return fmt.Errorf("look whether a password is set: %w", began(err))
	}
	if !a.bit(128, securityEnabled) {
		return nil
	}
	return a.unlock(ctx)
}

// eraseTime is words 89 and 90 (ACS-4 7.12.7.42): units of two minutes, in 8
// bits, or in 15 where bit 15 is set; zero is no estimate.
func eraseTime(word uint16) time.Duration {
	units := word & 0xff
	if word&(1<<15) != 0 {
		units = word & 0x7fff
	}
	return time.Duration(units) * 2 * time.Minute
}

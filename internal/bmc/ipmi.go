package bmc

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/bmc-toolbox/bmclib/v2/providers/ipmitool"

	"millwright/internal/metal"
)

// ipmiSession is bmclib's ipmitool provider. Each command is a process and an
// IPMI session of its own, so that there is nothing to open or to close.
type ipmiSession struct {
	conn   *ipmitool.Conn
	tool   string
	at     endpoint
	cred   metal.Credential
	cipher string
	limit  time.Duration
	log    *slog.Logger
	pace   *pace // nil sets none
}

func openIPMI(at endpoint, cred metal.Credential, cipher, tool string, limit time.Duration, log *slog.Logger) (*ipmiSession, error) {
	path, err := exec.LookPath(cmp.Or(tool, "ipmitool"))
	if err != nil {
		return nil, fmt.Errorf("ipmitool: %w", err)
	}
	// Without a suite bmclib tries 3 and then 17, and a wrong password counts
	// twice towards a BMC's lock-out.
	cipher = cmp.Or(cipher, "3")
	conn, err := ipmitool.New(at.literal(), cred.User, cred.Password,
		ipmitool.WithPort(at.port), ipmitool.WithCipherSuite(cipher), ipmitool.WithIpmitoolPath(path))
	if err != nil {
		return nil, plain(err, cred)
	}
	return &ipmiSession{conn: conn, tool: path, at: at, cred: cred, cipher: cipher, limit: limit, log: log}, nil
}

func (s *ipmiSession) close(context.Context) {}

func (s *ipmiSession) power(ctx context.Context) (state string, err error) {
	err = s.paced(ctx, func(ctx context.Context) (bool, error) {
		state, err = s.conn.PowerStateGet(ctx)
		return true, err
	})
	return state, err
}

func (s *ipmiSession) setPower(ctx context.Context, state string) error {
	return s.paced(ctx, func(ctx context.Context) (bool, error) { return s.conn.PowerSet(ctx, state) })
}

func (s *ipmiSession) setBoot(ctx context.Context, device string, efi bool) error {
	return s.paced(ctx, func(ctx context.Context) (bool, error) {
		return s.conn.BootDeviceSet(ctx, device, false, efi)
	})
}

// boot reads the boot flags, which bmclib cannot.
func (s *ipmiSession) boot(ctx context.Context) (got override, err error) {
	err = s.command(ctx, func(ctx context.Context) (bool, error) {
		out, err := s.run(ctx, "chassis", "bootparam", "get", "5")
		if err == nil {
			got, err = parseBootFlags(out)
		}
		return true, err
	})
	return got, err
}

// paced is a command that bmclib runs: run keeps the pace by itself.
func (s *ipmiSession) paced(ctx context.Context, do func(context.Context) (bool, error)) error {
	if err := s.pace.wait(ctx); err != nil {
		return err
	}
	defer s.pace.ended()
	return s.command(ctx, do)
}

// command bounds and explains one command.
func (s *ipmiSession) command(parent context.Context, do func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(parent, s.limit)
	defer cancel()
	ok, err := do(ctx)
	switch {
	case err == nil && ok:
		s.pace.answered()
		return nil
	case parent.Err() != nil:
		return context.Cause(parent)
	case ctx.Err() != nil:
		return fmt.Errorf("%w within %s", errSilent, s.limit)
	case err == nil:
		return errNoAcknowledgement
	}
	return s.explain(ctx, err)
}

// run starts ipmitool as bmclib does: the password goes by environment, which
// other users cannot read, and never by argument, which all can.
func (s *ipmiSession) run(ctx context.Context, args ...string) (string, error) {
	if err := s.pace.wait(ctx); err != nil {
		return "", err
	}
	defer s.pace.ended()
	out, err := s.prepare(ctx, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return string(out), nil
}

func (s *ipmiSession) prepare(ctx context.Context, args ...string) *exec.Cmd {
	options := []string{"-I", "lanplus", "-U", s.cred.User, "-E", "-N", "5",
		"-H", s.at.host, "-p", s.at.port, "-C", s.cipher}
	command := exec.CommandContext(ctx, s.tool, append(options, args...)...)
	command.Env = []string{"IPMITOOL_PASSWORD=" + s.cred.Password}
	return command
}

// bootData is how ipmitool prints boot parameter 5: five bytes in hex.
var bootData = regexp.MustCompile(`Boot parameter data: ([0-9a-fA-F]{10,})`)

// parseBootFlags reads the boot flags (IPMI 2.0, table 28-14, parameter 5).
func parseBootFlags(out string) (override, error) {
	match := bootData.FindStringSubmatch(out)
	if match == nil {
		return override{}, errors.New("ipmitool printed no boot flags")
	}
	flags, err := hex.DecodeString(match[1][:10])
	if err != nil {
		return override{}, fmt.Errorf("boot flags: %w", err)
	}
	got := override{device: "none", valid: flags[0]&0x80 != 0, once: flags[0]&0x40 == 0, efi: flags[0]&0x20 != 0}
	switch selector := flags[1] >> 2 & 0x0f; selector {
	case 0: // no override
	case 1:
		got.device = "pxe"
	case 2:
		got.device = "disk"
	default:
		got.device = fmt.Sprintf("selector %d", selector)
	}
	return got, nil
}

// ipmiVerdicts are what ipmitool says when no retry will help.
var ipmiVerdicts = []struct {
	text     string
	sentinel error
}{
	{"RAKP 2 HMAC is invalid", metal.ErrBadCredentials},   // the password
	{"unauthorized name", metal.ErrBadCredentials},        // the user
	{"password is longer than", metal.ErrBadCredentials},  // IPMI 2.0 knows 20 bytes
	{"Insufficient privilege", metal.ErrBadCredentials},   // the user's role
	{"invalid authentication alg", metal.ErrUnsupported},  // the cipher suite
	{"invalid integrity algorithm", metal.ErrUnsupported}, // the cipher suite
	{"no matching cipher suite", metal.ErrUnsupported},    // the cipher suite
	{"Invalid command", metal.ErrUnsupported},             // the command, on this BMC
}

// explain finds out why a command was refused. A wrong password and a BMC that
// is away read the same unless ipmitool is verbose, so that it is asked once more.
func (s *ipmiSession) explain(ctx context.Context, err error) error {
	said := err.Error()
	s.log.Debug("ipmitool refused", "error", plain(err, s.cred).Error())
	if strings.Contains(said, "Unable to establish") {
		ctx, cancel := context.WithTimeout(ctx, probeLimit)
		defer cancel()
		if _, again := s.run(ctx, "-v", "chassis", "power", "status"); again != nil {
			said += again.Error()
		}
	}
	for _, verdict := range ipmiVerdicts {
		if strings.Contains(said, verdict.text) {
			return fmt.Errorf("ipmitool with cipher suite %s: %s: %w", s.cipher, verdict.text, verdict.sentinel)
		}
	}
	if strings.Contains(said, "Unable to establish") {
		return fmt.Errorf("%w: %w", errSilent, plain(err, s.cred))
	}
	return plain(err, s.cred)
}

// probeLimit is enough for a refusal, which takes 0.1 s, and ends the wait for a BMC that is away.
const probeLimit = 5 * time.Second

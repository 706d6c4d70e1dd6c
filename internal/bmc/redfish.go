package bmc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/bmc-toolbox/bmclib/v2/providers/redfish"
	"github.com/go-logr/logr"

	"millwright/internal/metal"
)

// redfishSession is bmclib's Redfish provider on a wire of our own. The
// provider takes contexts and ignores them; the wire does not.
type redfishSession struct {
	conn *redfish.Conn
	wire *wire
	cred metal.Credential
}

// openRedfish logs in. BMCs without a session service, mostly emulators, get
// Basic authentication with each request instead.
func openRedfish(ctx context.Context, at endpoint, cred metal.Credential, w *wire) (session, error) {
	w.use(ctx)
	var err error
	for _, basic := range []bool{false, true} {
		conn := redfish.New(at.literal(), cred.User, cred.Password, logr.Discard(),
			redfish.WithHttpClient(&http.Client{Transport: w}),
			redfish.WithPort(at.port),
			redfish.WithUseBasicAuth(basic))
		s := &redfishSession{conn: conn, wire: w, cred: cred}
		if err = conn.Open(context.WithoutCancel(ctx)); err == nil {
			return s, nil
		}
		err = fmt.Errorf("log in: %w", s.explain(err))
		// The service root was read and named no place to log in at.
		if last := w.lastExchange(); !last.isServiceRoot() || last.status != http.StatusOK {
			break
		}
	}
	w.CloseIdleConnections()
	return nil, err
}

func (s *redfishSession) power(ctx context.Context) (string, error) {
	s.wire.use(ctx)
	state, err := s.conn.PowerStateGet(ctx)
	return state, s.explain(err)
}

func (s *redfishSession) setPower(ctx context.Context, state string) error {
	s.wire.use(ctx)
	ok, err := s.conn.PowerSet(ctx, state)
	if err == nil && !ok {
		return errNoAcknowledgement
	}
	return s.explain(err)
}

func (s *redfishSession) setBoot(ctx context.Context, device string, efi bool) error {
	s.wire.use(ctx)
	ok, err := s.conn.BootDeviceSet(ctx, device, false, efi)
	if err == nil && !ok {
		return errNoAcknowledgement
	}
	return s.explain(err)
}

// boot reads the override. bmclib's getter leaves out whether the override is
// enabled, and some BMCs keep the target of one that they dropped, so that is
// taken from the answer itself.
func (s *redfishSession) boot(ctx context.Context) (override, error) {
	s.wire.use(ctx)
	got, err := s.conn.BootDeviceOverrideGet(ctx)
	if err != nil && s.wire.lastExchange().failed() {
		return override{}, s.explain(err)
	}
	var system struct {
		Boot struct {
			Enabled string `json:"BootSourceOverrideEnabled"`
		}
	}
	// bmclib has parsed the same bytes: what does not parse here is its error.
	_ = json.Unmarshal(s.wire.lastExchange().body, &system)
	if err != nil || system.Boot.Enabled == "Disabled" {
		return override{device: "none"}, nil
	}
	return override{device: string(got.Device), valid: true, once: !got.IsPersistent, efi: got.IsEFIBoot}, nil
}

func (s *redfishSession) close(ctx context.Context) {
	s.wire.use(ctx)
	_ = s.conn.Close(ctx)
	s.wire.CloseIdleConnections()
}

// explain says what went wrong from what was seen on the wire: bmclib and
// gofish turn causes into text, whole documents at times.
func (s *redfishSession) explain(err error) error {
	if err == nil {
		return nil
	}
	last := s.wire.lastExchange()
	if last.err != nil {
		return last.err
	}
	if last.failed() {
		return last.refusal()
	}
	short := plain(err, s.cred)
	// gofish compares a reset type with the list that the BMC publishes.
	if strings.Contains(short.Error(), "is not supported by this service") {
		return fmt.Errorf("%w: %w", short, metal.ErrUnsupported)
	}
	return short
}

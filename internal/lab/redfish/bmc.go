package redfish

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"millwright/internal/metal"
)

// Chassis is what a BMC has power over. Its methods are called in the order of
// the commands, one at a time, and not while an HTTP request waits: they may
// take their time.
type Chassis interface {
	PowerOn(bootOverride metal.BootDevice) // empty: as its firmware is set up
	PowerOff()
}

// BMC is one simulated management controller. Serve gives it a socket; it
// keeps its state between two Serves, as a real one does when its network is away.
type BMC struct {
	name     string
	chassis  Chassis
	log      *slog.Logger
	identity tls.Certificate

	mu       sync.Mutex
	power    metal.Power // what the chassis is told to be
	says     metal.Power // what is reported; another thing only after a lie
	settled  time.Time   // until then a change of power is reported as under way
	override override
	version  int // of the system resource; its ETag
	sessions map[string]*session
	logins   int
	load     load
	restarts int
	frozen   time.Time // until then nothing is answered
	away     time.Time // until then it restarts, and not even a connection is made

	hardware Hardware
	accounts []account
	lan      lan
	inBand   bool // whether the machine's system may reach it
	bios     bios
	entries  []bootOption // of the firmware's boot menu, in their order
	events   eventLog
	sensors  map[string]float64 // readings that somebody set
	firmware [2]version         // by component
	tasks    []*task
	taskIDs  int
	commands []func() // not yet begun by the chassis
	working  bool     // whether a goroutine is at the commands
	faults   map[string]Fault
	cleared  chan struct{} // closed by ClearFaults
}

// New makes a BMC whose machine is off. An idle one has no goroutine.
func New(name string, cred metal.Credential, c Chassis, log *slog.Logger) *BMC {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	b := &BMC{
		name: name, chassis: c, log: log.With("bmc", name),
		identity: certificate(name),
		power:    metal.Off, says: metal.Off,
		cleared:  make(chan struct{}),
		accounts: []account{{id: "1", user: cred.User, password: cred.Password, role: administrator, enabled: true}},
		inBand:   true,
	}
	b.Fit(Usual(name))
	return b
}

// Serve answers on the listener until ctx ends, then closes every connection
// and returns nil: BMCs lose power without a goodbye.
func (b *BMC) Serve(ctx context.Context, ln net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // no BMC of the field speaks HTTP/2, and an idle h2 connection costs goroutines
	server := &http.Server{
		Handler:           b,
		TLSConfig:         &tls.Config{GetCertificate: b.present, MinVersion: tls.VersionTLS12},
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       30 * time.Second, // what a common BMC web server allows
		ErrorLog:          slog.NewLogLogger(b.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.ServeTLS(unreliable{ln, b}, "", "")
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("bmc %s: serve %s: %w", b.name, ln.Addr(), err)
}

// present chooses the certificate of one handshake.
func (b *BMC) present(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if _, struck := b.strike(WrongCertificate); struck {
		impostor := certificate(b.name + ", an impostor")
		return &impostor, nil
	}
	return &b.identity, nil
}

// unreliable is a listener on whose connections ResetConnection strikes.
type unreliable struct {
	net.Listener
	bmc *BMC
}

// Accept hands out the next connection that no fault struck.
func (u unreliable) Accept() (net.Conn, error) {
	for {
		conn, err := u.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if _, struck := u.bmc.strike(ResetConnection); !struck && !u.bmc.isAway() {
			return conn, nil
		}
		// Lingering for zero seconds makes the kernel send a reset instead of a close.
		if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
}

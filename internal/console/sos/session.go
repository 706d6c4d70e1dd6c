package sos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"millwright/internal/console"
	"millwright/internal/metal"
)

// session is somebody at a console.
type session struct {
	*Server
	device  metal.DeviceID
	seat    metal.ConsoleSeat // as it was when they sat down
	key     string            // fingerprint of the key that let them in
	from    string
	channel ssh.Channel
	place   Place
}

// accept takes the channel and waits for a shell on a terminal to be asked for.
func (s *Server) accept(ctx context.Context, c *ssh.ServerConn, asked ssh.NewChannel, late *time.Timer) {
	channel, requests, err := asked.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	terminal := false
	for r := range requests {
		shell := r.Type == "shell" && terminal
		terminal = terminal || r.Type == "pty-req"
		if r.WantReply {
			// A window's size is nothing to a serial line, and nothing else is here.
			_ = r.Reply(shell || r.Type == "pty-req" || r.Type == "window-change", nil)
		}
		if r.Type == "shell" && !shell {
			say(channel, "A console needs a terminal: ssh -tt.")
			return
		}
		if shell {
			late.Stop()
			go ssh.DiscardRequests(requests)
			s.seated(ctx, &session{
				Server: s, device: metal.DeviceID(c.User()), channel: channel,
				key: c.Permissions.Extensions[fingerprint], from: c.RemoteAddr().String(),
			})
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
			return
		}
	}
}

// say writes a line of ours to a terminal.
func say(channel ssh.Channel, text string) { _, _ = fmt.Fprintf(channel, "\r\n[%s]\r\n", text) }

// seated is a session from sitting down to leaving.
func (s *Server) seated(ctx context.Context, x *session) {
	if !s.enter(x.device) {
		say(x.channel, "Enough people sit at this console.")
		return
	}
	defer s.exit(x.device)
	var why string
	if x.seat, why = x.allowed(ctx); why != "" {
		say(x.channel, why)
		return
	}
	place, err := s.Attach(ctx, x.seat.Site, x.seat.Machine)
	if err != nil {
		s.Log.InfoContext(ctx, "a console is not to be had", "device", x.device, "machine", x.seat.Machine, "error", err)
		say(x.channel, excuse(err))
		return
	}
	defer place.Leave()
	x.place = place
	// Asked again: while they waited for the console, the device may have gone.
	if _, why = x.allowed(ctx); why != "" {
		say(x.channel, why)
		return
	}
	if err := x.event(ctx, "console opened with key %s from %s", x.key, x.from); err != nil {
		s.Log.WarnContext(ctx, "a console's use cannot be recorded, so that it is not opened", "device", x.device, "error", err)
		say(x.channel, "The console cannot be opened at this moment; try again soon.")
		return
	}
	began := time.Now()
	say(x.channel, "Console of "+string(x.device)+". Type ~. on a line of its own to leave; in OpenSSH, ~~.")
	why = x.run(ctx)
	place.Leave() // before anything else: from here on nothing is typed
	say(x.channel, why)
	took := time.Since(began).Round(time.Second)
	if err := x.event(ctx, "console closed after %s, opened with key %s from %s", took, x.key, x.from); err != nil {
		s.Log.WarnContext(ctx, "the end of a console's use is not recorded", "device", x.device, "key", x.key, "from", x.from, "took", took, "error", err)
	}
}

// excuse is what a tenant hears of why there is no console.
func excuse(err error) string {
	switch {
	case errors.Is(err, console.ErrTaken):
		return "Somebody sits at this console by another door; try again later."
	case errors.Is(err, ErrOtherSite):
		return "This device is at another site, which has a door of its own."
	case errors.Is(err, console.ErrNoConsole):
		return "This machine has no serial console."
	}
	return "The console cannot be opened at this moment; try again soon."
}

// allowed says why nobody may sit here now, or nothing.
func (x *session) allowed(ctx context.Context) (metal.ConsoleSeat, string) {
	ctx, cancel := context.WithTimeout(ctx, blindLimit/3)
	defer cancel()
	seat, err := x.Devices.ConsoleSeat(ctx, x.device)
	switch {
	case errors.Is(err, metal.ErrUnknownDevice):
		return seat, "The device is gone."
	case err != nil:
		return seat, unknown
	case !holds(seat, x.key):
		return seat, "Your key is no longer the device's."
	case x.seat.Machine != "" && x.seat.Machine != seat.Machine:
		return seat, "The device has another machine now; connect again."
	}
	return seat, refusal(seat)
}

// unknown is the answer while nobody can be asked who may stay.
const unknown = "It cannot be said at this moment whose console this is; try again soon."

// run carries bytes both ways until something ends it, and says what.
func (x *session) run(ctx context.Context) string {
	typed, left := make(chan struct{}, 1), make(chan struct{})
	go x.listen(typed, left)
	shown := make(chan string, 1)
	go func() { shown <- x.show() }()
	idle := time.NewTimer(x.idle())
	defer idle.Stop()
	look := time.NewTicker(x.look())
	defer look.Stop()
	sure := time.Now()
	for {
		select {
		case <-ctx.Done():
			return "This door closes; connect again."
		case <-left:
			return "Left."
		case why := <-shown:
			return why
		case <-typed:
			idle.Reset(x.idle())
		case <-idle.C:
			return "Nothing was typed for " + x.idle().String() + "."
		case <-look.C:
			_, why := x.allowed(ctx)
			if why == "" {
				sure = time.Now()
			}
			if why != "" && (why != unknown || time.Since(sure) > blindLimit) {
				return why
			}
		}
	}
}

// listen types what comes, until the session is left or lost.
func (x *session) listen(typed chan<- struct{}, left chan<- struct{}) {
	defer close(left)
	var e escape
	buffer := make([]byte, 256)
	for {
		n, err := x.channel.Read(buffer)
		if err != nil {
			return
		}
		out, end := e.typed(buffer[:n])
		if len(out) > 0 {
			_, _ = x.place.Write(out)
		}
		if end {
			return
		}
		select {
		case typed <- struct{}{}:
		default:
		}
	}
}

// show prints what the machine prints.
func (x *session) show() string {
	for body := range x.place.Output() {
		if _, err := x.channel.Write(body); err != nil {
			return "Lost."
		}
	}
	return "The console was taken away; connect again."
}

func (x *session) event(ctx context.Context, format string, args ...any) error {
	// A door that closes still writes down who was there.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return x.Devices.Event(ctx, metal.Claim{Device: x.device, Machine: x.seat.Machine}, "console", fmt.Sprintf(format, args...))
}

func (s *Server) enter(device metal.DeviceID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sits == nil {
		s.sits = map[metal.DeviceID]int{}
	}
	if s.sits[device] >= perDevice {
		return false
	}
	s.sits[device]++
	return true
}

func (s *Server) exit(device metal.DeviceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sits[device]--; s.sits[device] == 0 {
		delete(s.sits, device)
	}
}

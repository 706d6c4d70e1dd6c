package rack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"millwright/internal/qemu"
)

// chassis is what a BMC switches: a QEMU process, and the device that it is to
// boot from next. It is asked over a socket, a line to a question.
type chassis struct {
	config qemu.Config
	note   func(event string) // "power on", "power off", "reset"

	mu   sync.Mutex
	vm   *qemu.VM // nil before the first power on
	boot string   // in ipmi_sim's words: none, pxe, default (the disk)

	listener net.Listener
	serving  sync.WaitGroup
}

// Words of ipmi_sim.
const (
	bootNone    = "none"
	bootNetwork = "pxe"
)

// powerLimit is for QEMU to start; ipmi_sim answers nobody meanwhile.
const powerLimit = 20 * time.Second

// control is the program that ipmi_sim calls: "0x20 get power boot", "0x20 set
// boot pxe".
const control = `#!/bin/sh
echo "$*" | exec socat -t 30 - "UNIX-CONNECT:$(dirname "$0")/chassis.sock"
`

// serve listens in dir, and puts the program there that ipmi_sim is to call.
func (c *chassis) serve(dir string) (program string, err error) {
	program = filepath.Join(dir, "chassis")
	if err := os.WriteFile(program, []byte(control), 0o755); err != nil {
		return "", err
	}
	if c.listener, err = net.Listen("unix", filepath.Join(dir, "chassis.sock")); err != nil {
		return "", err
	}
	c.boot = bootNone
	c.serving.Go(func() {
		for {
			conn, err := c.listener.Accept()
			if err != nil {
				return // closed
			}
			c.serving.Go(func() { c.converse(conn) })
		}
	})
	return program, nil
}

// close stops listening and pulls the plug.
func (c *chassis) close() {
	_ = c.listener.Close()
	c.serving.Wait()
	c.kill()
}

// converse answers one call. Without an answer ipmi_sim reports a failure to
// whoever asked the BMC.
func (c *chassis) converse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	line, err := bufio.NewReader(io.LimitReader(conn, 1<<10)).ReadString('\n')
	if err != nil {
		return
	}
	if answer, err := c.obey(strings.Fields(line)); err == nil {
		_, _ = io.WriteString(conn, answer)
	} else {
		c.note("refused " + strings.TrimSpace(line) + ": " + err.Error())
	}
}

// obey does what one call asks: the controller's address, a verb, and names or
// pairs of names and values.
func (c *chassis) obey(words []string) (answer string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(words) < 3 {
		return "", fmt.Errorf("%d words: want an address, a verb and names", len(words))
	}
	verb, rest := words[1], words[2:]
	for len(rest) > 0 && err == nil {
		switch {
		case verb == "get":
			answer += rest[0] + ":" + c.get(rest[0]) + "\n"
			rest = rest[1:]
		case verb == "set" && len(rest) > 1:
			err = c.set(rest[0], rest[1])
			rest = rest[2:]
		default:
			err = fmt.Errorf("%s %v: no such call", verb, rest)
		}
	}
	return answer, err
}

func (c *chassis) get(name string) string {
	switch {
	case name == "boot":
		return c.boot
	case name == "power" && c.vm != nil && c.vm.On():
		return "1"
	}
	return "0" // power that is off, and whatever this chassis has not
}

func (c *chassis) set(name, value string) error {
	ctx, cancel := context.WithTimeout(context.Background(), powerLimit)
	defer cancel()
	on := c.vm != nil && c.vm.On()
	switch {
	case name == "boot":
		c.boot = value
	case name == "power" && value == "1" && !on:
		return c.start(ctx)
	case name == "power" && value == "0" && on:
		c.note("power off")
		c.vm.Kill()
	case name == "reset" && on:
		c.note("reset")
		return c.vm.Reset(ctx)
	case name == "shutdown" && on:
		return c.vm.PowerButton(ctx)
	}
	return nil
}

// start switches the machine on. The override is for one boot; without it the
// machine tries its disk first and then its network.
func (c *chassis) start(ctx context.Context) (err error) {
	config := c.config
	if config.First = qemu.Disk; c.boot == bootNetwork {
		config.First, config.Once = qemu.Network, true
	}
	c.boot = bootNone
	c.note("power on")
	c.vm, err = qemu.Start(ctx, config)
	return err
}

// kill pulls the plug, as a test or a power cut does.
func (c *chassis) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.vm != nil {
		c.vm.Kill()
	}
}

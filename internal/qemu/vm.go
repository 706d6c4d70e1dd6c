package qemu

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// VM is a machine that is on, or was.
type VM struct {
	config  Config
	command *exec.Cmd
	monitor *monitor
	words   bytes.Buffer // what QEMU complained of; read once it has ended
	done    chan struct{}
	err     error // why QEMU ended; set before done is closed
}

// startLimit is for QEMU to answer on QMP: 0.2 s, and some seconds where many
// start at once on a busy machine.
const startLimit = 30 * time.Second

// Start switches a machine on. It returns once QEMU runs, which is before the
// firmware has said anything. The machine outlives ctx; end it with Kill.
func Start(ctx context.Context, c Config) (*VM, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	firmware, err := c.firmware()
	if err != nil {
		return nil, err
	}
	v := &VM{config: c, done: make(chan struct{})}
	conn, err := v.spawn(append(c.arguments(), firmware...))
	if err != nil {
		return nil, fmt.Errorf("machine %s: start %s (apt-get install qemu-system-x86): %w", c.Name, program, err)
	}
	v.monitor = &monitor{conn: conn, from: json.NewDecoder(conn)}
	go v.wait()
	if err := v.greet(ctx); err != nil {
		v.Kill()
		return nil, fmt.Errorf("machine %s: %w: %s", c.Name, err, strings.TrimSpace(v.words.String()))
	}
	return v, nil
}

// spawn starts the process. nsenter without a process namespace becomes QEMU,
// so the process that is killed is the machine. It ends with us in any case.
func (v *VM) spawn(args []string) (net.Conn, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	if ns := v.config.Namespace; ns != "" {
		v.command = exec.Command("nsenter", append([]string{"--net=" + ns, "--", program}, args...)...)
	} else {
		v.command = exec.Command(program, args...)
	}
	v.command.ExtraFiles = []*os.File{theirs}
	v.command.Stdout, v.command.Stderr = v.config.Console, &v.words
	if v.command.Stdout == nil {
		v.command.Stdout = io.Discard
	}
	v.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := v.command.Start(); err != nil {
		_ = ours.Close()
		return nil, err
	}
	return ours, nil
}

// greet waits until QEMU answers, and arranges the boots after the first.
func (v *VM) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if _, err := v.monitor.do(ctx, "qmp_capabilities", nil); err != nil {
		return fmt.Errorf("greet QEMU: %w", err)
	}
	if !v.config.Once {
		return nil
	}
	return v.BootFrom(ctx, Disk)
}

func (v *VM) wait() {
	v.err = v.command.Wait()
	_ = v.monitor.conn.Close()
	close(v.done)
}

// Kill pulls the plug and waits until the machine is off. Killing one that is
// off does nothing.
func (v *VM) Kill() {
	_ = v.command.Process.Kill()
	<-v.done
}

// Done is closed when the machine is off, whoever switched it off.
func (v *VM) Done() <-chan struct{} { return v.done }

// On says whether the machine is on.
func (v *VM) On() bool {
	select {
	case <-v.done:
		return false
	default:
		return true
	}
}

// Err is how QEMU ended, with its words: nil after the guest's own power-off,
// or while the machine is on.
func (v *VM) Err() error {
	if v.On() || v.err == nil {
		return nil
	}
	return fmt.Errorf("machine %s: QEMU ended: %w: %s", v.config.Name, v.err, strings.TrimSpace(v.words.String()))
}

// Reset presses the reset button: memory is lost, power is not.
func (v *VM) Reset(ctx context.Context) error {
	_, err := v.QMP(ctx, "system_reset", nil)
	return err
}

// PowerButton asks the guest to shut down, by ACPI; a guest may ignore it.
func (v *VM) PowerButton(ctx context.Context) error {
	_, err := v.QMP(ctx, "system_powerdown", nil)
	return err
}

// BootFrom changes what the machine boots from, from its next reset on.
func (v *VM) BootFrom(ctx context.Context, first Device) error {
	// Indexes are unique at every moment, so all of them move out of the way first.
	const away = 1000
	for _, base := range []int{away, 0} {
		for i := range v.config.NICs {
			if err := v.setIndex(ctx, fmt.Sprintf("nic%d", i), base+v.config.nicIndex(first, i)); err != nil {
				return err
			}
		}
		for i := range v.config.Disks {
			if err := v.setIndex(ctx, fmt.Sprintf("disk%d", i), base+v.config.diskIndex(first, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *VM) setIndex(ctx context.Context, device string, index int) error {
	_, err := v.QMP(ctx, "qom-set", map[string]any{
		"path": "/machine/peripheral/" + device, "property": "bootindex", "value": index,
	})
	return err
}

// QMP runs a command of QEMU's monitor, for what has no method here.
func (v *VM) QMP(ctx context.Context, command string, arguments any) (json.RawMessage, error) {
	returned, err := v.monitor.do(ctx, command, arguments)
	if err != nil {
		return nil, fmt.Errorf("machine %s: %s: %w", v.config.Name, command, err)
	}
	return returned, nil
}

package rack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

// Result is what a machine's life came to, in seconds from each order.
type Result struct {
	Firmware  metal.Firmware `json:"firmware"`
	PhoneHome float64        `json:"order_to_phone_home_s"`
	SSH       float64        `json:"order_to_ssh_s"`
	Reinstall float64        `json:"reinstall_s"` // to SSH
	Rescue    float64        `json:"rescue_s"`    // to SSH
	Erased    bool           `json:"erased"`
}

// life is one device on one machine, from its order to its end.
type life struct {
	*Rack
	*Machine
	tenant *tenant
	out    io.Writer
	device metal.DeviceID
	port   metal.PortIntent // as it is once the device has it
	result Result
}

// stageLimit is for one order on a busy host; two machines at once take three
// minutes each.
const stageLimit = 15 * time.Minute

// Life orders a device on the machine, reinstalls it, rescues it and takes it
// apart, looks at each from the outside as its tenant would, and tells how long
// all of it took.
func (r *Rack) Life(ctx context.Context, m *Machine, out io.Writer) (Result, error) {
	t, err := newTenant(r.Net.Outside)
	if err != nil {
		return Result{}, err
	}
	l := &life{Rack: r, Machine: m, tenant: t, out: out, result: Result{Firmware: m.Firmware}}
	for _, stage := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"a device is ordered", l.provision}, {"reinstalled with the second image", l.reinstall},
		{"rescued", l.rescue}, {"taken apart", l.deprovision},
	} {
		fmt.Fprintf(out, "\n%s (%s): %s\n", m.ID, m.Firmware, stage.name)
		limited, cancel := context.WithTimeout(ctx, stageLimit)
		err := stage.do(limited)
		cancel()
		if err != nil {
			return l.result, fmt.Errorf("machine %s: %s: %w\nits last words:\n%s", m.ID, stage.name, err, r.diary.last(m.ID, 30))
		}
	}
	return l.result, nil
}

func (l *life) hostname() string { return "web-" + string(l.ID) }

func (l *life) order(stage string) metal.OrderID {
	return metal.OrderID(fmt.Sprintf("rack-%s-%s", l.ID, stage))
}

// provision orders the device.
func (l *life) provision(ctx context.Context) error {
	line, err := l.install(ctx, "provision", "first", metal.OrderInput{
		Action: metal.ActionProvision, Project: "acme", Site: Site, Plan: Plan(l.Firmware), OperatingSystem: First,
		Hostname: l.hostname(), SSHKeys: []string{l.tenant.key()},
	})
	l.result.PhoneHome, l.result.SSH = line.seconds("phone-home"), line.seconds("SSH")
	return err
}

func (l *life) reinstall(ctx context.Context) error {
	line, err := l.install(ctx, "reinstall", "second", metal.OrderInput{Action: metal.ActionReinstall, Device: l.device, OperatingSystem: Second})
	l.result.Reinstall = line.seconds("SSH")
	return err
}

// install orders a system, and examines it as soon as it lets its tenant in.
func (l *life) install(ctx context.Context, stage, mark string, in metal.OrderInput) (timeline, error) {
	began := time.Now()
	if err := l.Order(ctx, l.order(stage), in); err != nil {
		return timeline{}, err
	}
	if l.options.Disturb && in.Action == metal.ActionReinstall {
		if err := l.disturb(ctx, began); err != nil {
			return timeline{}, err
		}
	}
	status, err := l.Await(ctx, l.order(stage))
	if err != nil || status.State != "done" {
		return timeline{}, errors.Join(err, fmt.Errorf("order %s: %s: %s", l.order(stage), status.State, status.Outcome))
	}
	l.device = status.Device
	if l.port, _, err = l.PortOf(ctx, l.Rack.Net, l.device); err != nil {
		return timeline{}, err
	}
	client, err := l.tenant.login(ctx, l.public())
	if err != nil {
		return timeline{}, err
	}
	defer func() { _ = client.Close() }()
	entered := time.Now()
	line, err := l.timeline(ctx, l.ID, began)
	line.add("SSH", entered)
	line.print(l.out)
	if err != nil {
		return line, err
	}
	return line, l.look(client, mark)
}

// look examines the system.
func (l *life) look(client *ssh.Client, mark string) error {
	if err := examine(client, questions(l.hostname(), mark, l.port)); err != nil {
		return err
	}
	said, err := run(client, "ip -br addr show up; cat "+Mark)
	fmt.Fprintf(l.out, "%s\n", said)
	return err
}

// public is the device's public IPv4 address.
func (l *life) public() netip.Addr {
	for _, link := range l.port.Links {
		if link.Role == metal.Public && link.Machine().Is4() {
			return link.Machine()
		}
	}
	return netip.Addr{}
}

// rescue lets the tenant into the agent's system, which leaves the disk alone.
func (l *life) rescue(ctx context.Context) error {
	began := time.Now()
	status, err := l.Do(ctx, l.order("rescue"), metal.OrderInput{Action: metal.ActionRescue, Device: l.device})
	if err != nil || status.State != "done" {
		return errors.Join(err, fmt.Errorf("order %s: %s: %s", l.order("rescue"), status.State, status.Outcome))
	}
	before, err := digest(l.Disk)
	if err != nil {
		return err
	}
	client, err := l.tenant.login(ctx, l.public())
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	line, err := l.timeline(ctx, l.ID, began)
	line.add("SSH", time.Now())
	line.print(l.out)
	l.result.Rescue = line.seconds("SSH")
	if err != nil {
		return err
	}
	said, err := run(client, "cat /etc/millwright-version /proc/partitions && test ! -e "+Mark)
	if err != nil {
		return err
	}
	fmt.Fprintf(l.out, "%s\n", said)
	after, err := digest(l.Disk)
	if err == nil && before != after {
		err = errors.New("the disk changed while its machine was in rescue")
	}
	return err
}

// deprovision takes the device apart, and reads its disk from outside.
func (l *life) deprovision(ctx context.Context) error {
	if err := erased(l.Disk); !errors.Is(err, errWritten) {
		return fmt.Errorf("the disk of an installed machine should not read as empty: %w", err)
	}
	began := time.Now()
	status, err := l.Do(ctx, l.order("deprovision"), metal.OrderInput{Action: metal.ActionDeprovision, Device: l.device})
	if err != nil || status.State != "done" {
		return errors.Join(err, fmt.Errorf("order %s: %s: %s", l.order("deprovision"), status.State, status.Outcome))
	}
	line, err := l.timeline(ctx, l.ID, began)
	line.add("done", time.Now())
	line.print(l.out)
	if err := errors.Join(err, erased(l.Disk)); err != nil {
		return err
	}
	l.result.Erased = true
	fmt.Fprintf(l.out, "its disk of %d GB reads back empty\n", diskGB)
	return nil
}

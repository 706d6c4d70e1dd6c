package machine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"millwright/internal/agent"
	"millwright/internal/image"
	"millwright/internal/metal"
	"millwright/internal/netboot"
)

// agent is the RAM system: the agent of real machines, on simulated disks.
func (l *life) agent(ctx context.Context, arguments []string) stage {
	boot, err := strconv.ParseInt(argument(arguments, netboot.ArgBoot), 10, 64)
	if err != nil {
		return l.hang(fmt.Sprintf("kernel argument %s: %v", netboot.ArgBoot, err))
	}
	l.enterAgent(metal.BootNumber(boot))
	running, die := context.WithCancel(ctx)
	defer die()
	address := argument(arguments, netboot.ArgURL)
	images, err := image.NewRemote(image.RemoteConfig{Servers: []string{address + strings.TrimSuffix(agent.PathImages, "/")}, Client: l.client, Log: l.log})
	if err != nil {
		return l.hang(err.Error())
	}
	journal := agent.NewJournal()
	exit, err := agent.Run(running, agent.Config{
		URL:        address,
		Boot:       metal.BootNumber(boot),
		Token:      l.tokenFor(argument(arguments, netboot.ArgToken)),
		Version:    l.config.Version,
		Client:     l.client,
		Disks:      drives{l.Machine, metal.BootNumber(boot), images, die},
		Inventory:  l.inventory,
		Neighbours: l.neighbours,
		BurnIn:     l.burnIn,
		Rescue:     l.rescue,
		LoadKernel: l.loadKernel,
		Pace:       l.config.Pace,
		Log:        slog.New(slog.NewMultiHandler(l.log.Handler(), slog.NewTextHandler(journal, nil))),
		Journal:    journal,
	})
	switch {
	case ctx.Err() != nil:
		return nil
	case running.Err() != nil:
		return l.hang("kernel panic in the RAM system")
	case err != nil:
		return l.hang(err.Error())
	}
	return l.leave(exit)
}

// argument is what follows "name=" on the kernel's command line.
func argument(arguments []string, name string) string {
	for _, a := range arguments {
		if value, found := strings.CutPrefix(a, name+"="); found {
			return value
		}
	}
	return ""
}

func (l *life) enterAgent(boot metal.BootNumber) {
	l.enter(Agent, "")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Boot = boot
}

// tokenFor is the token of this boot, or under StaleToken the one of the boot
// before: what an agent would show whose reboot did not take place.
func (l *life) tokenFor(fresh string) string {
	_, stale := l.strike(StaleToken)
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.token
	l.token = fresh
	switch {
	case !stale:
		return fresh
	case old == "":
		return strings.Repeat("0", len(fresh)) // no earlier boot: a token of nobody
	}
	return old
}

// rescue lets nobody in: it says that somebody could come, with a host key that
// follows from the machine's name and that nobody holds.
func (l *life) rescue(_ context.Context, wish metal.Rescue) (string, func(), error) {
	sum := sha256.Sum256([]byte("host key of " + l.config.Machine.ID))
	l.enter(Rescue, wish.Hostname)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), func() { l.enter(Agent, "") }, nil
}

func (l *life) loadKernel(context.Context) error {
	if _, struck := l.strike(NoKexec); struck {
		return fmt.Errorf("machine %s: disk %s: kexec_file_load: operation not permitted", l.config.Machine.ID, l.disks[0].serial)
	}
	if !l.disks[0].Bootable() {
		return fmt.Errorf("machine %s: disk %s: there is no kernel on it", l.config.Machine.ID, l.disks[0].serial)
	}
	return nil
}

func (l *life) leave(exit agent.Exit) stage {
	switch exit {
	case agent.Kexec:
		return l.disk
	case agent.Reboot:
		return l.reboot
	}
	return l.powerOff
}

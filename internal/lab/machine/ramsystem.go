package machine

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"millwright/internal/agent"
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
	exit, err := agent.Run(running, agent.Config{
		URL:       argument(arguments, netboot.ArgURL),
		Boot:      metal.BootNumber(boot),
		Token:     l.tokenFor(argument(arguments, netboot.ArgToken)),
		Client:    l.client,
		Disks:     drives{l.Machine, die},
		Inventory: l.inventory,
		Pace:      l.config.Pace,
		Log:       l.log,
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

func (l *life) inventory() string {
	c := l.config.Machine
	return fmt.Sprintf("%s, %s firmware, NIC %s, disks %s",
		c.ID, c.Firmware, l.config.MAC, strings.Join(l.config.Serials, " "))
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

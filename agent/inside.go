package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"millwright/internal/agent"
	"millwright/internal/drive"
	"millwright/internal/inventory"
	"millwright/internal/metal"
	"millwright/internal/ramsystem"
)

// inside is the agent as all that runs on a machine. It returns only with an
// error, and is then started again: whatever it did may be begun anew.
func inside(ctx context.Context) error {
	journal := agent.NewJournal()
	log := slog.New(slog.NewTextHandler(io.MultiWriter(ramsystem.Console(), journal), nil))
	system, err := ramsystem.Start(ctx, log)
	if err != nil {
		return err
	}
	f := flags{Cmdline: "/proc/cmdline"}
	cfg, disks, err := f.config(log)
	if err != nil {
		return err
	}
	if err := system.Network(ctx); err != nil {
		return err
	}
	disks.list = func() ([]drive.Disk, error) { return drive.List("/") }
	disks.release = stopArrays
	cfg.Version, cfg.Journal = ramsystem.Version(), journal
	var around survey
	cfg.Inventory, cfg.Neighbours = around.look, around.listen
	cfg.Rescue = func(ctx context.Context, wish metal.Rescue) (string, func(), error) {
		return letIn(ctx, wish, cfg.URL, log)
	}
	proven := &proof{disks: disks, cfg: cfg, tools: fetch(cfg.URL+agent.PathTools, system.AddTools)}
	cfg.BurnIn = proven.burnIn
	cfg.LoadKernel = func(ctx context.Context) error {
		disk, err := disks.bootDisk()
		if err != nil {
			return err
		}
		return system.LoadKernel(ctx, disk)
	}
	exit, err := agent.Run(ctx, cfg)
	if err != nil {
		return err
	}
	return system.Leave(ways[exit])
}

var ways = map[agent.Exit]ramsystem.Way{
	agent.Kexec: ramsystem.Kexec, agent.Reboot: ramsystem.Reboot, agent.PowerOff: ramsystem.PowerOff,
}

// survey is the inventory in two parts: neighbours are heard from every half
// minute only, and no order waits for that.
type survey struct{ found inventory.Inventory }

func (s *survey) look(ctx context.Context) (string, json.RawMessage) {
	s.found = inventory.Read(ctx, "/")
	return sentence(s.found), encoded(s.found)
}

func (s *survey) listen(ctx context.Context) (string, json.RawMessage) {
	inventory.AddNeighbours(ctx, &s.found, inventory.LLDPWait)
	return sentence(s.found), encoded(s.found)
}

func encoded(found inventory.Inventory) json.RawMessage {
	text, err := json.Marshal(found)
	if err != nil {
		return nil // no number of it can be infinite, and no string not be one
	}
	return text
}

// sentence is for people who look at a list of machines.
func sentence(found inventory.Inventory) string {
	cores, model := 0, ""
	for _, c := range found.CPUs {
		cores, model = cores+c.Cores, c.Model
	}
	words := []string{
		strings.TrimSpace(found.System.Vendor + " " + found.System.Product),
		strings.TrimSpace(fmt.Sprintf("%d cores %s", cores, model)),
		fmt.Sprintf("%d GiB", found.Memory.Total>>30),
	}
	for _, d := range found.Disks {
		words = append(words, fmt.Sprintf("%s of %d GB", d.Disk, d.Size/1e9))
	}
	return strings.Join(words, ", ")
}

package bmc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// kept is an inventory's entry of an image to go back to.
type kept struct {
	inventory
	Actions struct {
		Activate struct {
			Target string `json:"target"`
		} `json:"#SoftwareInventory.Activate"`
	}
}

func (k kept) of(component string) bool {
	name := strings.ToLower(string(k.ID + " " + k.Name))
	words := map[string][]string{"bmc": {"bmc", "remote access controller", "idrac", "ilo"}}[component]
	for _, w := range append(words, component) {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// rollback makes the kept image the running one: by its own action, or as
// iDRACs have it by an update from it.
func (s *redfishSession) rollback(ctx context.Context, component string) (string, error) {
	v, err := s.look(ctx)
	if err != nil {
		return "", err
	}
	if task, err := v.underWay(ctx); err != nil || task != "" {
		return task, err
	}
	service, _, err := v.updatable(ctx, component)
	if err != nil {
		return "", err
	}
	items, err := members[kept](ctx, v, service.FirmwareInventory.ID, 1)
	if err != nil {
		return "", err
	}
	for _, item := range items {
		if !previous(item.inventory) || !item.of(component) {
			continue
		}
		var answer exchange
		if item.Actions.Activate.Target != "" {
			answer, err = v.post(ctx, item.Actions.Activate.Target, struct{}{})
		} else if service.Actions.SimpleUpdate.Target != "" {
			answer, err = v.post(ctx, service.Actions.SimpleUpdate.Target, map[string]any{"ImageURI": item.Path})
		} else {
			err = errors.New("the BMC has no way to it")
		}
		return taskOf(answer), err
	}
	return "", fmt.Errorf("the BMC keeps no earlier image of %s: %w", component, metal.ErrUnsupported)
}

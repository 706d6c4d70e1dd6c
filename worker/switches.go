package main

import (
	"context"
	"fmt"

	"millwright/activities"
	"millwright/internal/metal"
)

// switchDriver is all that Millwright asks of one vendor's switches.
type switchDriver interface {
	activities.SwitchDriver
	activities.SwitchReader
	activities.CounterReader
	activities.CarriedReader
}

// switchDrivers picks the driver that a switch's record names.
type switchDrivers map[string]switchDriver

func (d switchDrivers) of(sw metal.Switch) (switchDriver, error) {
	if driver, known := d[sw.Driver]; known {
		return driver, nil
	}
	return nil, fmt.Errorf("switch %s: no driver is called %q: %w", sw.ID, sw.Driver, metal.ErrUnsupported)
}

func (d switchDrivers) Apply(ctx context.Context, sw metal.Switch, pending func(context.Context) (metal.Change, error)) (metal.Committed, error) {
	driver, err := d.of(sw)
	if err != nil {
		return metal.Committed{}, err
	}
	return driver.Apply(ctx, sw, pending)
}

func (d switchDrivers) Plan(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) (string, error) {
	driver, err := d.of(sw)
	if err != nil {
		return "", err
	}
	return driver.Plan(ctx, sw, ports)
}

func (d switchDrivers) Drift(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) ([]metal.Drift, error) {
	driver, err := d.of(sw)
	if err != nil {
		return nil, err
	}
	return driver.Drift(ctx, sw, ports)
}

func (d switchDrivers) Neighbors(ctx context.Context, sw metal.Switch) ([]metal.Neighbor, error) {
	driver, err := d.of(sw)
	if err != nil {
		return nil, err
	}
	return driver.Neighbors(ctx, sw)
}

func (d switchDrivers) Counters(ctx context.Context, sw metal.Switch) ([]metal.Counter, error) {
	driver, err := d.of(sw)
	if err != nil {
		return nil, err
	}
	return driver.Counters(ctx, sw)
}

func (d switchDrivers) Sessions(ctx context.Context, sw metal.Switch) ([]metal.BGPSession, error) {
	driver, err := d.of(sw)
	if err != nil {
		return nil, err
	}
	return driver.Sessions(ctx, sw)
}

func (d switchDrivers) Carried(ctx context.Context, sw metal.Switch) ([]metal.Carried, error) {
	driver, err := d.of(sw)
	if err != nil {
		return nil, err
	}
	return driver.Carried(ctx, sw)
}

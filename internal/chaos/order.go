package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"
)

const (
	site   = rig.Site
	system = metal.OperatingSystemID("debian_12")
)

// order gives an order until somebody takes it, as a careful client does, and
// answers where its outcome will come.
func (t *tenant) order(ctx context.Context, id metal.OrderID, in metal.OrderInput, way how) (<-chan outcome, error) {
	times := 1
	if way.twice {
		times = 2
	}
	for range times {
		switch err := t.give(ctx, id, in, way.api); {
		case errors.Is(err, errRefused):
			return t.book.refuse(id, err), nil
		case err != nil:
			return nil, fmt.Errorf("order %s: %w", id, err)
		}
	}
	came := t.book.expect(id)
	if !way.api {
		go t.follow(ctx, id)
	}
	return came, nil
}

// follow waits for the end of an order's own run: one that is refused there, as
// for a device that nobody knows yet, has no row in which that could stand.
func (t *tenant) follow(ctx context.Context, id metal.OrderID) {
	for {
		err := t.w.Client.GetWorkflow(ctx, workflows.OrderRun(id), "").Get(ctx, nil)
		var ended *temporal.WorkflowExecutionError
		var failed *temporal.ApplicationError
		switch {
		case errors.As(err, &ended):
			words := err.Error()
			if errors.As(err, &failed) {
				words = failed.Type()
			}
			t.book.tell(id, outcome{State: "refused", Words: words})
			return
		case err == nil, !wait(ctx, again):
			return
		}
	}
}

func (t *tenant) give(ctx context.Context, id metal.OrderID, in metal.OrderInput, api bool) error {
	for {
		err := t.try(ctx, id, in, api)
		if err == nil || ctx.Err() != nil || errors.Is(err, errRefused) {
			return err
		}
		if !wait(ctx, again) {
			return err
		}
	}
}

// tryLimit is one attempt of a client.
const tryLimit = 10 * time.Second

// errRefused is an answer that no repeat would change.
var errRefused = errors.New("refused")

func (t *tenant) try(ctx context.Context, id metal.OrderID, in metal.OrderInput, api bool) error {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	if !api {
		return t.w.Order(ctx, id, in)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.w.API()+"/v1/orders", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+t.w.Token)
	request.Header.Set("Idempotency-Key", string(id))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode < 300:
		return nil
	case answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", errRefused, answer.Status)
	}
	return errors.New(answer.Status)
}

// deviceOf is the device that a provision is for, known from its ID alone.
func deviceOf(id metal.OrderID, in metal.OrderInput) (metal.DeviceID, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	parsed, err := metal.ParseOrder(id, raw)
	return parsed.Device, err
}

// move gives the tenant's address to a device, or to nobody, and waits for the
// end of the run. Where the start was not answered it is begun again: moving to
// where it is changes nothing.
func (t *tenant) move(ctx context.Context, to metal.DeviceID) error {
	in := workflows.AddressInput{Reservation: string(t.elastic.ID), Prefix: t.elastic.Prefix, Device: to}
	for {
		err := t.tryMove(ctx, in)
		var ended *temporal.WorkflowExecutionError
		if err == nil || errors.As(err, &ended) || ctx.Err() != nil {
			return ctx.Err()
		}
		wait(ctx, again)
	}
}

func (t *tenant) tryMove(ctx context.Context, in workflows.AddressInput) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	run, err := t.w.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.AddressRun(in.Reservation), TaskQueue: workflows.ControlQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.Address, in)
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

package temporal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"millwright/workflows"
)

const (
	// retention is how long a closed run can be read: a week, so that whoever
	// comes back from a holiday finds what went wrong.
	retention = 7 * 24 * time.Hour
	// settleLimit is how long the server may take to know what was registered:
	// namespaces and search attributes are cached, for up to 10 s at most seen.
	settleLimit = time.Minute
	settlePause = 200 * time.Millisecond
)

// Register tells Temporal what Millwright needs: the namespace, the search
// attributes, the schedules that start Reconcile and CheckSwitches. It returns
// when a run with every attribute can be started. Safe to repeat; a repeat
// changes the schedules' intervals alone.
func Register(ctx context.Context, cfg Config, every Every) error {
	if err := registerNamespace(ctx, cfg); err != nil {
		return err
	}
	c, err := Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := addAttributes(ctx, c, cfg.Namespace); err != nil {
		return err
	}
	if err := awaitStart(ctx, c, cfg.Namespace); err != nil {
		return err
	}
	return schedules(ctx, c, every)
}

func registerNamespace(ctx context.Context, cfg Config) error {
	options, err := cfg.options()
	if err != nil {
		return err
	}
	namespaces, err := client.NewNamespaceClient(options)
	if err != nil {
		return fmt.Errorf("connect to Temporal at %s: %w", cfg.Address, err)
	}
	defer namespaces.Close()
	err = namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: cfg.Namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
		Description: "Millwright: bare-metal machines",
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register namespace %q at Temporal %s: %w", cfg.Namespace, cfg.Address, err)
	}
	return nil
}

// addAttributes adds the search attributes that are missing. It is tried for a
// while: a namespace that was registered this moment is not known everywhere.
func addAttributes(ctx context.Context, c client.Client, namespace string) error {
	return eventually(ctx, func() error {
		known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		if err != nil {
			return fmt.Errorf("list the search attributes of namespace %q: %w", namespace, err)
		}
		missing := map[string]enums.IndexedValueType{}
		for _, key := range workflows.SearchAttributes() {
			if known.GetCustomAttributes()[key.GetName()] != enums.INDEXED_VALUE_TYPE_KEYWORD {
				missing[key.GetName()] = enums.INDEXED_VALUE_TYPE_KEYWORD
			}
		}
		if len(missing) == 0 {
			return nil
		}
		_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
		if err != nil {
			return fmt.Errorf("add %d search attributes to namespace %q: %w", len(missing), namespace, err)
		}
		return nil
	})
}

// probe is a run that nobody works on: its first task is delayed for longer
// than it lives.
const probe = "millwright-registration"

// awaitStart starts a run that carries every attribute, until Temporal takes
// it, and removes it: on SQL visibility a new attribute is known to starts some
// 2 s after it was added (server 1.32.1).
func awaitStart(ctx context.Context, c client.Client, namespace string) error {
	var all []temporal.SearchAttributeUpdate
	for _, key := range workflows.SearchAttributes() {
		all = append(all, key.ValueSet("registration"))
	}
	var run client.WorkflowRun
	err := eventually(ctx, func() (err error) {
		run, err = c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: probe, TaskQueue: probe, StartDelay: time.Hour, WorkflowExecutionTimeout: 2 * time.Hour,
			TypedSearchAttributes: temporal.NewSearchAttributes(all...),
		}, probe)
		return err
	})
	if err != nil {
		return fmt.Errorf("start a run with all search attributes in namespace %q: %w", namespace, err)
	}
	_, err = c.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: run.GetID(), RunId: run.GetRunID()},
	})
	if err != nil && !gone(err) { // gone: two registrations share one probe
		return fmt.Errorf("delete the registration's run in namespace %q: %w", namespace, err)
	}
	return nil
}

// eventually tries until it succeeds. What a person must mend is not tried
// again: no permission, or attributes of another type under our names.
func eventually(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for {
		err := try()
		if err == nil || slices.ContainsFunc([]any{new(*serviceerror.PermissionDenied), new(*serviceerror.AlreadyExists)}, func(target any) bool { return errors.As(err, target) }) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(settlePause):
		}
	}
}

package main

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// checkAnswer is what a check found, as programs read it.
type checkAnswer struct {
	Run string `json:"run"`
	workflows.SwitchResult
}

// check starts a check, or a repair, and says what it found if that is waited
// for. Something that is otherwise than it should be fails the command, as a
// leak does.
func (a *app) check(ctx context.Context, w awaiting, sw query.Switch, repair bool) error {
	var found checkAnswer
	run, err := a.conduct(ctx, w, a.starts(temporal.Runs.StartCheck, sw, repair), &found.SwitchResult)
	if err != nil {
		return err
	}
	if found.Run = run.ID; !w.Wait {
		return a.printRun(run)
	}
	if a.Output == "json" {
		err = printJSON(a.out, found)
	} else {
		_, err = fmt.Fprintf(a.out, "switch %s: %s\n", sw.ID, verdict(found.SwitchResult))
	}
	if drifts := len(found.Drifts) > 0 && !found.Repaired; err == nil && (drifts || found.Miscablings > 0) {
		fmt.Fprintf(a.errs, "starter: switch %s is not as it should be; more: starter switch drift %s, starter switch show %s\n", sw.ID, sw.ID, sw.ID)
		return errSaid
	}
	return err
}

func verdict(found workflows.SwitchResult) string {
	if len(found.Drifts) == 0 && found.Miscablings == 0 {
		return "as it should be"
	}
	text := fmt.Sprintf("drifting ports: %d, miscabled machines: %d", len(found.Drifts), found.Miscablings)
	if found.Repaired {
		text += "; the ports are repaired"
	}
	return text
}

// printRun says what was started and is not waited for.
func (a *app) printRun(run temporal.Execution) error {
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"run": run.ID})
	}
	_, err := fmt.Fprintf(a.out, "run     %s\n", run.ID)
	return err
}

type switchDriftCommand struct {
	Name metal.SwitchID `arg:"" optional:"" help:"The switch's name; all switches if left out."`
}

// driftLine is one port that is otherwise than it should be.
type driftLine struct {
	Port    string         `json:"port"`
	Machine string         `json:"machine"`
	Device  metal.DeviceID `json:"device,omitempty"`
	Since   string         `json:"since"`
	Diff    string         `json:"diff"` // from what is to what should be
}

// Run prints what checks have recorded; it asks no switch.
func (c switchDriftCommand) Run(ctx context.Context, a *app) error {
	if c.Name != "" { // a name that nobody has would look as if all were well
		if _, _, err := namedSwitch(c).read(ctx, a); err != nil {
			return err
		}
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	rows, err := store.Queries().ListDrifts(ctx, string(c.Name))
	if err != nil {
		return fmt.Errorf("list what drifts: %w", err)
	}
	lines := []driftLine{}
	for _, d := range rows {
		lines = append(lines, driftLine{d.Switch + ":" + d.Port, d.Machine, metal.DeviceID(d.Device), moment(d.Since), d.Diff})
	}
	if a.Output == "json" {
		return printJSON(a.out, lines)
	}
	if len(lines) == 0 {
		_, err = fmt.Fprintln(a.out, "the last checks found no port that drifts; when that was: starter switch list")
		return err
	}
	for _, l := range lines {
		fmt.Fprintf(a.out, "port %s of machine %s drifts since %s; from what is to what should be:\n%s\n", l.Port, l.Machine, l.Since, harmless(l.Diff))
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

type bgpCommand struct {
	Enable  bgpEnableCommand  `cmd:"" help:"Let a project's devices speak BGP with their switches."`
	Disable bgpDisableCommand `cmd:"" help:"Take it away again. Refused while sessions are on."`
	Session bgpSessionCommand `cmd:"" help:"Turn a device's session of one family on or off."`
	List    bgpListCommand    `cmd:"" help:"Projects with BGP, and how their sessions stand."`
}

type bgpEnableCommand struct {
	Project    metal.ProjectID `arg:"" help:"The project."`
	Deployment string          `required:"" env:"-" enum:"local,global" help:"local: a private AS number, seen by the site's switches alone; global: the tenant's own."`
	AS         int64           `required:"" env:"-" name:"as" placeholder:"N" help:"The devices' AS number."`
	Secret     string          `env:"-" placeholder:"CREDENTIAL-NAME" help:"Name of the workers' credential whose password is the MD5 key of the sessions. Never the key itself."`
}

// Run writes it; no switch is touched before a session is turned on.
func (c bgpEnableCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return usage(err)
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	changed, err := store.Queries().EnableProjectBGP(ctx, query.EnableProjectBGPParams{
		Project: string(c.Project), Deployment: c.Deployment, PeerAs: c.AS, Secret: c.Secret,
	})
	if err != nil {
		return fmt.Errorf("enable BGP of project %s: %w", c.Project, err)
	}
	if changed == 0 {
		return sessionsOn(c.Project)
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"project": c.Project, "deployment": c.Deployment, "as": c.AS, "secret": c.Secret})
	}
	fmt.Fprintf(a.out, "project %s may speak BGP as AS %d (%s); next: starter bgp session DEVICE 4 on\n", c.Project, c.AS, c.Deployment)
	if c.Secret != "" {
		fmt.Fprintf(a.out, "the key is the password of the credential %s, on every worker of the sites where it has devices\n", c.Secret)
	}
	return nil
}

// credentialForm is how credentials may be called. A key that was put here by
// mistake mostly is not, and is not repeated on the terminal.
var credentialForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (c bgpEnableCommand) check() error {
	if wrong := metal.CheckAS(c.Deployment, c.AS); wrong != "" {
		return fmt.Errorf("--as %d %s", c.AS, wrong)
	}
	if c.Secret != "" && !credentialForm.MatchString(c.Secret) {
		return errors.New("--secret wants the name of a credential of the workers: letters, digits and ._-; never the key itself")
	}
	return nil
}

// sessionsOn says why a project's BGP cannot be changed, and the way to it.
func sessionsOn(project metal.ProjectID) error {
	return fmt.Errorf("project %s has BGP sessions that are on; turn them off first (starter bgp session DEVICE FAMILY off), see starter bgp list --project %s", project, project)
}

type bgpDisableCommand struct {
	Project metal.ProjectID `arg:"" help:"The project."`
}

// Run refuses while sessions are on: a tenant's traffic may depend on them.
func (c bgpDisableCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	q := store.Queries()
	gone, err := q.DisableProjectBGP(ctx, string(c.Project))
	if err != nil {
		return fmt.Errorf("disable BGP of project %s: %w", c.Project, err)
	}
	if gone == 0 {
		_, err := q.ProjectBGP(ctx, string(c.Project))
		switch {
		case err == nil:
			return sessionsOn(c.Project)
		case !errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("read the BGP of project %s: %w", c.Project, err)
		}
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"project": c.Project, "disabled": true})
	}
	_, err = fmt.Fprintf(a.out, "project %s has no BGP\n", c.Project)
	return err
}

type bgpListCommand struct {
	Project metal.ProjectID `env:"-" help:"Only this project's."`
}

// Run prints projects first, then sessions as their switches last said.
func (c bgpListCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	q := store.Queries()
	projects, err := q.ListProjectBGP(ctx, string(c.Project))
	if err != nil {
		return fmt.Errorf("list projects with BGP: %w", err)
	}
	rows, err := q.ListSessions(ctx, query.ListSessionsParams{Project: string(c.Project)})
	if err != nil {
		return fmt.Errorf("list BGP sessions: %w", err)
	}
	sessions := []sessionLine{}
	for _, s := range rows {
		sessions = append(sessions, sessionLine{Device: s.Device, Project: s.Project, Family: s.Family, State: s.State, Received: s.Received, Accepted: s.Accepted, Seen: s.SeenAt})
	}
	t := &table{columns: []string{"project", "deployment", "as", "secret", "enabled_at", "sessions"}}
	for _, p := range projects {
		t.add(p.Project, p.Deployment, p.PeerAs, p.Secret, p.EnabledAt, p.Sessions)
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"projects": t.objects(), "sessions": sessions})
	}
	return a.printTables(t, sessionTable(sessions))
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// projectEvent records what happened to a project and to no device of it. The
// kind is a type of the API ("project.updated"), the sentence for its tenant.
func projectEvent(ctx context.Context, q *query.Queries, project metal.ProjectID, kind, format string, args ...any) error {
	return insertEvent(ctx, q, query.InsertEventParams{Project: string(project), Kind: kind, Body: fmt.Sprintf(format, args...)})
}

// insertEvent adds what tenants read of an event. Its deliveries to webhooks
// are made in the same transaction, by the database itself.
func insertEvent(ctx context.Context, q *query.Queries, e query.InsertEventParams) error {
	e.Type, e.Words = metal.TellTenants(e.Kind, e.Body)
	return q.InsertEvent(ctx, e)
}

// scopeOfEvent says whose an event is, by its ID in the API.
func scopeOfEvent(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
	number := metal.EventNumber(id)
	if number == 0 {
		return metal.Scope{}, pgx.ErrNoRows
	}
	row, err := q.ScopeOfEvent(ctx, number)
	return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
}

// EventByID is one event; metal.ErrNotFound where there is none, or one that
// is not for tenants and nobody is an operator.
func (s *Store) EventByID(ctx context.Context, id string, operator bool) (metal.Event, error) {
	row, err := s.Queries().GetEvent(ctx, query.GetEventParams{ID: metal.EventNumber(id), Operator: operator})
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.Event{}, fmt.Errorf("event %s: %w", id, metal.ErrNotFound)
	}
	return eventOf(query.EventsAboutDeviceRow(row)), err
}

func eventOf(row query.EventsAboutDeviceRow) metal.Event {
	return metal.Event{
		Number: row.ID, At: row.At, Project: metal.ProjectID(row.Project), Device: metal.DeviceID(row.Device),
		Kind: row.Kind, Body: row.Body, Type: row.Type, Words: row.Words,
	}
}

// DeviceEvents are a device's, newest first, and how many there are. Operators
// read those too that are not for tenants.
func (s *Store) DeviceEvents(ctx context.Context, device metal.DeviceID, operator bool, f metal.EventFilter) ([]metal.Event, int, error) {
	types, q := patterns(f.Types), s.Queries()
	total, err := q.CountEventsAboutDevice(ctx, query.CountEventsAboutDeviceParams{Device: string(device), Operator: operator, Types: types, Since: f.Since})
	if err != nil {
		return nil, 0, fmt.Errorf("count events of device %s: %w", device, err)
	}
	rows, err := q.EventsAboutDevice(ctx, query.EventsAboutDeviceParams{
		Device: string(device), Operator: operator, Types: types, Since: f.Since, Most: int32(f.Page.Limit), Skipped: int32(f.Page.Offset),
	})
	return eventsOf(rows), int(total), err
}

// ProjectEvents are a project's and its devices'.
func (s *Store) ProjectEvents(ctx context.Context, project metal.ProjectID, operator bool, f metal.EventFilter) ([]metal.Event, int, error) {
	return s.eventsIn(ctx, []string{string(project)}, operator, f)
}

// OrganizationEvents are those of its projects.
func (s *Store) OrganizationEvents(ctx context.Context, id metal.OrganizationID, operator bool, f metal.EventFilter) ([]metal.Event, int, error) {
	projects, err := s.Queries().ProjectsOfOrganization(ctx, string(id))
	if err != nil {
		return nil, 0, fmt.Errorf("list the projects of organization %s: %w", id, err)
	}
	return s.eventsIn(ctx, projects, operator, f)
}

// CallerEvents are those of all projects where a caller has one of some roles;
// an operator's are all there are.
func (s *Store) CallerEvents(ctx context.Context, c metal.Caller, roles []metal.MemberRole, f metal.EventFilter) ([]metal.Event, int, error) {
	switch {
	case c.Operator:
		return s.allEvents(ctx, f)
	case c.Project != "":
		return s.eventsIn(ctx, []string{string(c.Project)}, false, f)
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	projects, err := s.Queries().ProjectsWithRole(ctx, query.ProjectsWithRoleParams{Member: string(c.User), Roles: names})
	if err != nil {
		return nil, 0, fmt.Errorf("list the projects of %s: %w", c.Name(), err)
	}
	return s.eventsIn(ctx, projects, false, f)
}

func (s *Store) eventsIn(ctx context.Context, projects []string, operator bool, f metal.EventFilter) ([]metal.Event, int, error) {
	projects, types, q := notNil(projects), patterns(f.Types), s.Queries()
	total, err := q.CountEventsInProjects(ctx, query.CountEventsInProjectsParams{Projects: projects, Operator: operator, Types: types, Since: f.Since})
	if err != nil {
		return nil, 0, fmt.Errorf("count events of %d projects: %w", len(projects), err)
	}
	rows, err := q.EventsInProjects(ctx, query.EventsInProjectsParams{
		Projects: projects, Operator: operator, Types: types, Since: f.Since,
		Most: int32(f.Page.Limit), Skipped: int32(f.Page.Offset), Reach: int32(f.Page.Limit + f.Page.Offset),
	})
	return eventsOf(rows), int(total), err
}

func (s *Store) allEvents(ctx context.Context, f metal.EventFilter) ([]metal.Event, int, error) {
	types, q := patterns(f.Types), s.Queries()
	total, err := q.CountEventsEverywhere(ctx, query.CountEventsEverywhereParams{Types: types, Since: f.Since})
	if err != nil {
		return nil, 0, fmt.Errorf("count events: %w", err)
	}
	rows, err := q.EventsEverywhere(ctx, query.EventsEverywhereParams{Types: types, Since: f.Since, Most: int32(f.Page.Limit), Skipped: int32(f.Page.Offset)})
	return eventsOf(rows), int(total), err
}

// eventRow is what each of the lists reads.
type eventRow interface {
	query.EventsAboutDeviceRow | query.EventsInProjectsRow | query.EventsEverywhereRow
}

func eventsOf[Row eventRow](rows []Row) []metal.Event {
	all := make([]metal.Event, len(rows))
	for i, row := range rows {
		all[i] = eventOf(query.EventsAboutDeviceRow(row))
	}
	return all
}

// patterns are types of events as LIKE takes them.
func patterns(types []string) []string {
	escape := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	all := []string{}
	for _, t := range types {
		begin, open := strings.CutSuffix(t, "*")
		pattern := escape.Replace(begin)
		if open {
			pattern += "%"
		}
		all = append(all, pattern)
	}
	return all
}

// ProvisioningEvents are the steps of each device's last provision or
// reinstall, oldest first.
func (s *Store) ProvisioningEvents(ctx context.Context, devices []string) (map[metal.DeviceID][]metal.Event, error) {
	rows, err := s.Queries().ProvisioningEvents(ctx, notNil(devices))
	if err != nil {
		return nil, fmt.Errorf("read how far %d devices are: %w", len(devices), err)
	}
	all := map[metal.DeviceID][]metal.Event{}
	for _, row := range rows {
		device := metal.DeviceID(row.Device)
		all[device] = append(all[device], metal.Event{
			Number: row.ID, At: row.At, Project: metal.ProjectID(row.Project), Device: device, Type: row.Type, Words: row.Words,
		})
	}
	return all, nil
}

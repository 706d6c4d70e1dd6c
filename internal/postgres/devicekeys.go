package postgres

import (
	"context"
	"fmt"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// ChooseKeys finds the SSH keys that a device is to have. It names the first
// that there is not, or that is not for this project.
func (s *Store) ChooseKeys(ctx context.Context, choice metal.KeyChoice) ([]metal.ChosenKey, error) {
	q := s.Queries()
	people, err := q.MembersForKeys(ctx, string(choice.Project))
	if err != nil {
		return nil, fmt.Errorf("list the members of project %s: %w", choice.Project, err)
	}
	if choice.Caller != "" && !slices.Contains(people, string(choice.Caller)) {
		people = append(people, string(choice.Caller))
	}
	rows, err := q.KeysToChoose(ctx, query.KeysToChooseParams{Project: string(choice.Project), Users: people})
	if err != nil {
		return nil, fmt.Errorf("list the SSH keys of project %s and its members: %w", choice.Project, err)
	}
	return choose(choice, people, rows)
}

func choose(choice metal.KeyChoice, people []string, rows []query.KeysToChooseRow) (chosen []metal.ChosenKey, err error) {
	wanted := map[string]bool{} // keys, and users all of whose keys are meant
	for i, id := range choice.Ours {
		if !slices.ContainsFunc(rows, func(k query.KeysToChooseRow) bool { return k.ID == id && k.Project != "" }) {
			return nil, invalid(fmt.Sprintf("project_ssh_keys[%d]", i), "the project has no key %q; see /projects/%s/ssh-keys", id, choice.Project)
		}
		wanted[id] = true
	}
	for i, id := range choice.People {
		if !slices.Contains(people, id) && !slices.ContainsFunc(rows, func(k query.KeysToChooseRow) bool { return k.ID == id && k.User != "" }) {
			return nil, invalid(fmt.Sprintf("user_ssh_keys[%d]", i), "%q is no member of the project, and no key of one", id)
		}
		wanted[id] = true
	}
	for _, k := range rows {
		if choice.All || wanted[k.ID] || k.User != "" && wanted[k.User] {
			chosen = append(chosen, metal.ChosenKey{ID: k.ID, Key: k.Key})
		}
	}
	return chosen, nil
}

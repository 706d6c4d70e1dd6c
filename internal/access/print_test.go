package access_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/access"
	"millwright/internal/metal"
)

func TestPageShowsTheTableByWhichTheAPIDecides(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/access.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(page), "<!-- GENERATED: starter access --markdown -->\n")
	require.True(t, found)
	shown, _, found := strings.Cut(after, "<!-- END -->")
	require.True(t, found)
	require.Equal(t, access.Markdown(), shown, "put what `starter access --markdown` prints between the marks of docs/access.md")
}

func TestWhatTheTableDoesNotSayIsForOperatorsAlone(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, row := range access.Table() {
		said[string(row.Kind)+" "+string(row.Verb)] = true
	}
	for _, kind := range access.Kinds {
		for _, verb := range access.Verbs {
			if said[string(kind)+" "+string(verb)] {
				continue
			}
			for _, role := range access.Roles {
				require.Equal(t, role == metal.Operator, access.May([]metal.MemberRole{role}, verb, kind), "%s %s as %s", verb, kind, role)
			}
		}
	}
	require.False(t, access.May(nil, access.See, access.Project))
	require.False(t, access.May([]metal.MemberRole{metal.Owner}, access.See, "whatever"))
}

func TestOwnersAloneMakeOwners(t *testing.T) {
	t.Parallel()
	for _, giver := range access.Roles {
		may := giver == metal.Owner || giver == metal.Operator
		require.Equal(t, may, access.MayGive([]metal.MemberRole{giver}, metal.Owner), giver)
		require.True(t, access.MayGive([]metal.MemberRole{giver}, metal.Admin), "who may change members at all, the table says")
	}
}

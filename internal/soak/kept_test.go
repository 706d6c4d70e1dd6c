package main

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/postgres"
	"millwright/internal/stack/pgtest"
)

// Whoever adds a table says what becomes of its rows, here and to operators.
func TestEveryTableHasAFateAndThoseThatGrowAreInTheManual(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t, postgres.Migrate))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	manual, err := os.ReadFile("../../docs/soak.md")
	require.NoError(t, err)
	var undecided []string
	for _, table := range tables {
		fate, decided := fates[table]
		if !decided {
			undecided = append(undecided, table)
		} else if fate != current && !strings.HasPrefix(table, "sign_in") && table != "switch_answers" {
			require.Contains(t, string(manual), "`"+table+"`", "docs/soak.md")
		}
	}
	require.Empty(t, undecided, "decide what becomes of their rows: kept.go, and docs/soak.md where they grow")
	for table := range fates {
		require.Contains(t, tables, table)
	}
}

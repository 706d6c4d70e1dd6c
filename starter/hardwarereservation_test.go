package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAMachineIsKeptForAProjectUntilThatIsEnded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	const org, project = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	r.exec(`insert into organizations (id, name) values ('` + org + `', 'acme');
		insert into projects (id, organization, name) values ('` + project + `', '` + org + `', 'web')`)

	code, out, errs := r.cli("hardware-reservation", "add", "m1", "--project", project)
	require.Equal(t, exitDone, code, errs)
	id := strings.TrimSpace(out)
	code, out, _ = r.cli("hardware-reservation", "add", "m1", "--project", project)
	require.Equal(t, exitDone, code)
	require.Equal(t, id, strings.TrimSpace(out), "a repeat finds the first")

	code, out, _ = r.cli("hardware-reservation", "list", "--project", project)
	require.Equal(t, exitDone, code)
	require.Regexp(t, id+` +`+project+` +m1 +\S+ +\S+ +idle +- +true +20`, out)

	for _, wrong := range [][]string{{"m1", "--project", "nobody"}, {"m9", "--project", project}} {
		code, _, errs = r.cli(append([]string{"hardware-reservation", "add"}, wrong...)...)
		require.Equal(t, exitNot, code)
		require.Contains(t, errs, strings.TrimPrefix(wrong[0], "m1"))
	}

	for range 2 { // safe to repeat
		code, _, errs = r.cli("hardware-reservation", "end", id)
		require.Equal(t, exitDone, code, errs)
	}
	code, out, _ = r.cli("hardware-reservation", "list", "-o", "json")
	require.Equal(t, exitDone, code)
	require.JSONEq(t, `[]`, out)
}

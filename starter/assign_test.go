package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// reserve gives a project an address, as an approved reservation would.
func (r *rig) reserve(project, prefix, site string) {
	r.t.Helper()
	r.exec(`select add_block('` + prefix + `', '198.51.100.0/24', 'lab1', 'public', 'reservation', '` + project + `', '');
		insert into reservations (id, project, site, len, family, prefix, state) values
			('00000000-0000-4000-8000-00000000000` + prefix[len(prefix)-4:len(prefix)-3] + `', '` + project + `', ` + site + `, 32, 4, '` + prefix + `', 'created')`)
}

func TestAnAddressThatCannotBeAssignedIsRefusedBeforeARunIsStarted(t *testing.T) {
	t.Parallel()
	r := setup(t)
	device := string(r.ordered("o-1"))
	r.reserve("acme", "198.51.100.101/32", "'lab1'")
	r.reserve("other", "198.51.100.102/32", "'lab1'")
	for _, wrong := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, `198.51.100.300`, []string{"ip", "assign", "198.51.100.300", device}},
		{exitUsage, "it has host bits; write 198.51.100.96/29", []string{"ip", "assign", "198.51.100.101/29", device}},
		{exitNot, "198.51.100.103/32 is of no reservation", []string{"ip", "assign", "198.51.100.103", device}},
		{exitNot, "is of no reservation", []string{"ip", "unassign", "198.51.100.0/24"}},
		{exitNot, "is of project acme, and 198.51.100.102/32 is reserved by project other", []string{"ip", "assign", "198.51.100.102", device}},
		{exitNot, "no such device", []string{"ip", "assign", "198.51.100.101", "00000000-0000-4000-8000-000000000000"}},
		{exitNot, "start address/00000000-0000-4000-8000-000000000001: ", []string{"ip", "assign", "198.51.100.101", device}},
	} {
		code, out, errs := r.cli(wrong.args...)
		require.Equal(t, wrong.code, code, errs)
		require.Contains(t, errs, wrong.want)
		require.Empty(t, out)
	}
	r.exec("update devices set state = 'failed'")
	code, _, errs := r.cli("ip", "assign", "198.51.100.101", device)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "is failed, and gets no address")
}

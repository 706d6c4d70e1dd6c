package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBGPOfAProjectIsEnabledListedAndNotTakenFromUnderSessions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	device := string(r.ordered("o-1"))
	code, _, errs := r.cli("bgp", "session", device, "4", "on")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "project acme has no BGP; enable it first: starter bgp enable acme")
	enable := []string{"bgp", "enable", "acme", "--deployment", "local", "--as", "65001", "--secret", "bgp-acme"}
	for range 2 {
		code, out, errs := r.cli(enable...)
		require.Equal(t, exitDone, code, errs)
		require.Contains(t, out, "project acme may speak BGP as AS 65001 (local)")
	}
	r.exec("update sites set as_number = null")
	code, _, errs = r.cli("bgp", "session", device, "4", "on")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "give its file a bgp section")

	r.exec("insert into bgp_sessions (device, family, state, received, accepted) values ('" + device + "', 6, 'Active', 0, 0)")
	_, out, _ := r.cli("bgp", "list")
	require.Regexp(t, `acme +local +65001 +bgp-acme +20\S+ +1\n`, out)
	require.Regexp(t, device+` +6 +Active +0 +0 +-\n`, out)
	for _, args := range [][]string{{"bgp", "disable", "acme"}, {"bgp", "enable", "acme", "--deployment", "local", "--as", "65002"}} {
		code, _, errs = r.cli(args...)
		require.Equal(t, exitNot, code)
		require.Contains(t, errs, "project acme has BGP sessions that are on; turn them off first")
	}
	code, _, errs = r.cli(enable...)
	require.Equal(t, exitDone, code, "a repeat changes nothing under the session: %s", errs)

	r.exec("delete from bgp_sessions")
	for range 2 {
		code, out, _ = r.cli("bgp", "disable", "acme")
		require.Equal(t, exitDone, code)
		require.Contains(t, out, "project acme has no BGP\n")
	}
	_, out, _ = r.cli("bgp", "list", "-o", "json")
	require.JSONEq(t, `{"projects": [], "sessions": []}`, out)
}

func TestBGPIsUsedWronglyInWords(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for want, args := range map[string][]string{
		"--as 64496 is not private":               {"--deployment", "local", "--as", "64496"},
		"--as 65001 is private":                   {"--deployment", "global", "--as", "65001"},
		"--as 23456 is no AS number":              {"--deployment", "global", "--as", "23456"},
		"--deployment must be one of":             {"--deployment", "wide", "--as", "65001"},
		"--secret wants the name of a credential": {"--deployment", "local", "--as", "65001", "--secret", "hunter2 hunter3"},
	} {
		code, _, errs := r.cli(append([]string{"bgp", "enable", "acme"}, args...)...)
		require.Equal(t, exitUsage, code, want)
		require.Contains(t, errs, want)
		require.NotContains(t, errs, "hunter2", "it may be the key itself")
	}
}

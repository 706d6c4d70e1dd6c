package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// proving is a site whose first machine is to be proven.
func proving(t *testing.T, want metal.BurnIn) (r *rig, token string) {
	t.Helper()
	r = setup(t, newWorld(machine("m7", 14), machine("m8", 16)))
	r.agentIntent("m7", 1, metal.AgentJob{Job: metal.JobProve, BurnIn: want})
	return r, r.token(m7)
}

func TestAMachineIsTestedForAsLongAsItsPlanSaysAndItsResultsAreKept(t *testing.T) {
	t.Parallel()
	r, token := proving(t, metal.BurnIn{CPU: time.Minute})
	code, body := r.askJob(m7, token, ofBoot1)
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"job":"prove","burn_in":{"cpu":60000000000}}`, body)

	found := []metal.BurnInResult{
		{Test: "cpu", Passed: true, Seconds: 60, Figures: map[string]float64{"ops_per_s": 7}},
		{Test: "disk", Part: "S1", Detail: "2 blocks came back changed"},
	}
	report, err := json.Marshal(agent.Report{Kind: metal.Proven, Detail: "1 of 2 failed", BurnIn: found})
	require.NoError(t, err)
	code, _ = r.ask(m7, "POST", "/agent/report"+ofBoot1, string(report), "Authorization", "Bearer "+token)
	require.Equal(t, http.StatusNoContent, code)
	require.Equal(t, []metal.ReportKind{metal.Proven}, r.w.heardKinds())
	require.Equal(t, found, r.w.said[0].BurnIn)
}

func TestResultsKeepTheirLimits(t *testing.T) {
	t.Parallel()
	figures := map[string]float64{strings.Repeat("x", 51): 1, "mib_s": 2}
	got := tidy([]metal.BurnInResult{{Test: "cpu", Detail: strings.Repeat("a", 499) + "é", Figures: figures}})
	require.Equal(t, []metal.BurnInResult{{Test: "cpu", Detail: strings.Repeat("a", 499), Figures: map[string]float64{"mib_s": 2}}}, got)
	require.Len(t, tidy(make([]metal.BurnInResult, 1000)), maxResults)
}

func TestNoiseFlowsBothWaysForAMachineThatIsProven(t *testing.T) {
	t.Parallel()
	r, token := proving(t, metal.BurnIn{})
	code, body := r.ask(m7, "GET", agent.PathNoise+ofBoot1+"&seed=7&for=20ms", "", "Authorization", "Bearer "+token)
	require.Equal(t, http.StatusOK, code)
	require.NotEmpty(t, body)
	n, err := agent.NoiseOf(7).Compare(strings.NewReader(body))
	require.NoError(t, err)
	require.EqualValues(t, len(body), n)

	sent, err := io.ReadAll(io.LimitReader(agent.NoiseOf(8).Reader(t.Context(), time.Hour), 3<<20))
	require.NoError(t, err)
	end := r.sendNoise(token, sent)
	require.Equal(t, agent.NoiseEnd{Bytes: 3 << 20}, end)
	damaged := bytes.Clone(sent)
	damaged[2<<20] ^= 4
	end = r.sendNoise(token, damaged)
	require.EqualValues(t, 2<<20, end.Bytes)
	require.Contains(t, end.Wrong, "at byte 2097152: the noise came over the network changed")
}

func (r *rig) sendNoise(token string, noise []byte) (end agent.NoiseEnd) {
	r.t.Helper()
	code, body := r.ask(m7, "POST", agent.PathNoise+ofBoot1+"&seed=8", string(noise), "Authorization", "Bearer "+token)
	require.Equal(r.t, http.StatusOK, code, body)
	require.NoError(r.t, json.Unmarshal([]byte(body), &end))
	return end
}

func TestNoiseIsForNobodyElse(t *testing.T) {
	t.Parallel()
	r, token := proving(t, metal.BurnIn{})
	query := agent.PathNoise + ofBoot1 + "&seed=7&for=1s"
	for name, c := range map[string]struct {
		addr, token, path string
		code              int
	}{
		"another port":      {m8, token, query, http.StatusGone},
		"a stranger":        {nobody, token, query, http.StatusNotFound},
		"an invented token": {m7, "c0ffee", query, http.StatusGone},
		"no seed":           {m7, token, agent.PathNoise + ofBoot1, http.StatusBadRequest},
		"no length":         {m7, token, agent.PathNoise + ofBoot1 + "&seed=7", http.StatusBadRequest},
	} {
		code, _ := r.ask(c.addr, "GET", c.path, "", "Authorization", "Bearer "+c.token)
		require.Equal(t, c.code, code, name)
	}
	r.setJob("m7", metal.AgentJob{Job: metal.JobIdle}, true)
	code, _ := r.ask(m7, "GET", query, "", "Authorization", "Bearer "+token)
	require.Equal(t, http.StatusConflict, code, "a machine that waits for an order is proven already")
}

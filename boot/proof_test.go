package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

const (
	m7, m8  = "127.20.0.15", "127.20.0.17"
	nobody  = "127.99.0.1"
	ofBoot1 = "?boot=1"
)

// booting is a site of two machines whose agents boot for the first time.
func booting(t *testing.T) *rig {
	t.Helper()
	r := setup(t, newWorld(machine("m7", 14), machine("m8", 16)))
	r.agentIntent("m7", 1, metal.AgentJob{Job: metal.JobErase})
	r.agentIntent("m8", 1, metal.AgentJob{Job: metal.JobErase})
	return r
}

func (r *rig) askJob(addr, token, query string) (int, string) {
	r.t.Helper()
	return r.ask(addr, "GET", "/agent/job"+query, "", "Authorization", "Bearer "+token)
}

func TestAJobIsHandedOutOnlyToTheTokenOfThisBootAtItsOwnPort(t *testing.T) {
	t.Parallel()
	r := booting(t)
	token, other := r.token(m7), r.token(m8)
	code, body := r.askJob(m7, token, ofBoot1)
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"job":"erase"}`, body)

	for name, c := range map[string]struct {
		addr, token, query string
		code               int
	}{
		"no token":                          {m7, "", ofBoot1, http.StatusUnauthorized},
		"an invented token":                 {m7, "c0ffee", ofBoot1, http.StatusGone},
		"the token of another machine":      {m7, other, ofBoot1, http.StatusGone},
		"the right token from another port": {m8, token, ofBoot1, http.StatusGone},
		"the right token from nowhere":      {nobody, token, ofBoot1, http.StatusNotFound},
		"another boot's number":             {m7, token, "?boot=2", http.StatusGone},
		"no number":                         {m7, token, "", http.StatusBadRequest},
	} {
		code, body := r.askJob(c.addr, c.token, c.query)
		require.Equal(t, c.code, code, name)
		require.NotContains(t, body, "erase", name)
	}
	require.NotContains(t, r.log.String(), token)
}

func TestEachScriptCarriesATokenOfItsOwnAndTheLastOneCounts(t *testing.T) {
	t.Parallel()
	r := booting(t)
	first, second := r.token(m7), r.token(m7)
	require.NotEqual(t, first, second)
	code, _ := r.askJob(m7, first, ofBoot1)
	require.Equal(t, http.StatusGone, code)
	code, _ = r.askJob(m7, second, ofBoot1)
	require.Equal(t, http.StatusOK, code)
}

func TestATokenEndsWithItsBoot(t *testing.T) {
	t.Parallel()
	r := booting(t)
	token := r.token(m7)
	r.agentIntent("m7", 2, metal.AgentJob{Job: metal.JobErase})
	for _, query := range []string{ofBoot1, "?boot=2"} {
		if query == "?boot=2" { // as Postgres does when it numbers a boot
			r.w.change("", func() { delete(r.w.tokens, "m7") })
		}
		code, _ := r.askJob(m7, token, query)
		require.Equal(t, http.StatusGone, code)
	}
	code, _ := r.ask(m7, "POST", "/agent/report"+ofBoot1, `{"kind":"erased","detail":"zeros"}`, "Authorization", "Bearer "+token)
	require.Equal(t, http.StatusGone, code)
	require.Empty(t, r.w.heardKinds())
}

func TestAnAgentCannotPhoneHomeForASystem(t *testing.T) {
	t.Parallel()
	r := booting(t)
	code, _ := r.ask(m7, "POST", "/agent/report"+ofBoot1, `{"kind":"phone-home"}`, "Authorization", "Bearer "+r.token(m7))
	require.Equal(t, http.StatusBadRequest, code)
	require.Empty(t, r.w.heardKinds())
}

func TestPhoneHomeIsKnownByItsAddressAndItsNumber(t *testing.T) {
	t.Parallel()
	r := booting(t)
	for path, want := range map[string]map[string]int{
		"/phone-home?boot=1": {nobody: http.StatusNotFound},
		"/phone-home?boot=0": {m7: http.StatusGone}, // an earlier install that took its time
		"/phone-home?boot=x": {m7: http.StatusBadRequest},
		"/phone-home":        {m7: http.StatusBadRequest},
	} {
		for addr, code := range want {
			got, _ := r.ask(addr, "POST", path, "")
			require.Equal(t, code, got, path)
		}
	}
	require.Empty(t, r.w.heardKinds())
	code, _ := r.ask(m7, "POST", "/phone-home?boot=1", "")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, []metal.ReportKind{metal.PhoneHome}, r.w.heardKinds())
}

func TestAPhoneHomeThatNobodyWaitsForIsToldToStop(t *testing.T) {
	t.Parallel()
	r := booting(t)
	r.w.change("", func() { r.w.runOver = true })
	code, _ := r.ask(m7, "POST", "/phone-home?boot=1", "")
	require.Equal(t, http.StatusGone, code)
	require.True(t, r.w.isSignalled(1), "there is nobody to send it to again")
}

func TestAHeldQuestionIsAnsweredAtTheNoticeOfAJob(t *testing.T) {
	t.Parallel()
	r := booting(t)
	token := r.token(m7)
	r.setJob("m7", metal.AgentJob{Job: metal.JobWait}, true)
	answered := make(chan string, 1)
	began := time.Now()
	go func() {
		_, body := r.askJob(m7, token, "?boot=1&wait=9s&have=wait")
		answered <- body
	}()
	r.eventually("the question is held", func() bool {
		r.srv.view.mu.RLock()
		defer r.srv.view.mu.RUnlock()
		return r.srv.view.waiting["m7"] != nil
	})
	r.setJob("m7", metal.AgentJob{Job: metal.JobErase}, true)
	require.JSONEq(t, `{"job":"erase"}`, <-answered)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestAJobThatIsDoneIsNoNewsUntilTheWaitIsOver(t *testing.T) {
	t.Parallel()
	r := booting(t)
	token := r.token(m7)
	began := time.Now()
	_, body := r.askJob(m7, token, "?boot=1&wait=100ms&have=erase")
	require.JSONEq(t, `{"job":"erase"}`, body)
	require.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)
}

func TestStrangersGetNoScriptAndNoMetadata(t *testing.T) {
	t.Parallel()
	r := booting(t)
	for _, path := range []string{"/boot.ipxe", "/metadata", "/userdata", "/2009-04-04/meta-data/"} {
		code, _ := r.ask(nobody, "GET", path, "")
		require.Equal(t, http.StatusNotFound, code, path)
	}
	require.Equal(t, "1", r.metric(`millwright_boot_scripts_total{kind="stranger"}`))
}

func TestAMachineThatLostAnAddressIsNotKnownByItAnyMore(t *testing.T) {
	t.Parallel()
	r := booting(t)
	r.w.change("", func() { // memory has not heard of it yet
		moved := machine("m7", 40)
		moved.Intent = metal.BootIntent{Number: 1, Agent: true}
		r.w.machines["m7"] = moved
	})
	code, _ := r.ask(m7, "GET", "/boot.ipxe", "")
	require.Equal(t, http.StatusNotFound, code)
}

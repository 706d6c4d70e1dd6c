package postgres_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// agent is what an agent of the first machine of a crowd knows.
type agent struct {
	*crowd
	holding metal.Holding
	call    metal.AgentCall
}

// boots claims a machine and boots its agent with a job.
func (c *crowd) boots(job metal.Job) *agent {
	c.t.Helper()
	h, err := c.claim(c.t.Context(), c.devices[0])
	require.NoError(c.t, err)
	a := &agent{crowd: c, holding: h}
	a.bootsAgain(job, 1)
	return a
}

func (a *agent) bootsAgain(job metal.Job, attempt int) {
	a.t.Helper()
	ctx := a.t.Context()
	booting, err := a.store.BootAgent(ctx, metal.NextBoot{Claim: a.holding.Claim, Attempt: attempt, Job: job, Run: "device/x"})
	require.NoError(a.t, err)
	a.call = metal.AgentCall{Machine: a.holding.Claim.Machine, Boot: booting.Number, TokenHash: []byte("a hash of 32 bytes, or so it says")}
	require.NoError(a.t, a.store.IssueToken(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash))
	_, err = a.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(a.t, err)
}

func (a *agent) says(kind metal.ReportKind, detail string, also func(*metal.Said)) {
	a.t.Helper()
	said := metal.Said{TokenHash: a.call.TokenHash,
		Report: metal.Report{Machine: a.call.Machine, Boot: a.call.Boot, Kind: kind, Detail: detail}}
	if also != nil {
		also(&said)
	}
	_, err := a.store.Record(a.t.Context(), said)
	require.NoError(a.t, err)
}

func TestADiskWithoutACertificateKeepsItsMachineFromThePool(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	_, err := c.store.Queries().GetMachine(ctx, "m1")
	require.NoError(t, err)
	a := c.boots(metal.JobInstall)
	require.NoError(t, c.store.PutCertificateKey(ctx, "k1", []byte("a public key")))
	certificate := func(serial, mode string) metal.Certificate {
		return metal.Certificate{Serial: serial, Body: []byte(`{"mode":"` + mode + `"}`), Signature: make([]byte, 64), Key: "k1"}
	}
	release := func() bool {
		dirty, err := c.store.ReleaseMachine(ctx, a.holding.Claim, a.call.Boot, metal.Ending{State: metal.Deleted})
		require.NoError(t, err)
		return !dirty
	}
	for attempt, certificates := range [][]metal.Certificate{
		nil,
		{certificate("LAB64-1", "express")},
		{certificate("another disk", "full")},
	} {
		a.bootsAgain(metal.JobErase, attempt+2)
		a.says(metal.Erased, "said so", func(s *metal.Said) { s.Certificates = certificates })
		require.False(t, release(), "certificates %v", certificates)
	}
	a.bootsAgain(metal.JobErase, 9)
	a.says(metal.Erased, "said so", func(s *metal.Said) { s.Certificates = []metal.Certificate{certificate("LAB64-1", "full")} })
	require.True(t, release())
	kept, err := c.store.Certificates(ctx, c.devices[0])
	require.NoError(t, err)
	require.Len(t, kept, 3, "they outlive the device")
	c.whole()
}

func TestWhatWasNeverErasedIsErasedInFull(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	a := c.boots(metal.JobInstall)
	job, err := c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(t, err)
	require.Equal(t, metal.EraseFull, job.Erase)
	a.says(metal.Installed, "a disk did not show up", func(s *metal.Said) { s.InFull = true })
	a.bootsAgain(metal.JobInstall, 2)
	job, err = c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(t, err)
	require.Equal(t, metal.EraseFull, job.Erase, "a disk without a certificate proves nothing")
	require.NoError(t, c.store.PutCertificateKey(ctx, "k1", []byte("a public key")))
	a.says(metal.Installed, "x", func(s *metal.Said) {
		s.InFull = true
		s.Certificates = []metal.Certificate{{Serial: "LAB64-1", Body: []byte(`{"mode":"full"}`), Signature: make([]byte, 64), Key: "k1"}}
	})
	a.bootsAgain(metal.JobInstall, 3)
	job, err = c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(t, err)
	require.Equal(t, metal.EraseExpress, job.Erase)
	a.bootsAgain(metal.JobErase, 4)
	job, err = c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(t, err)
	require.Equal(t, metal.EraseFull, job.Erase, "between tenants, always")
}

func TestALogIsKeptInOrderWhateverIsSentTwice(t *testing.T) {
	t.Parallel()
	a := newCrowd(t, 1, 1).boots(metal.JobInstall)
	ctx := t.Context()
	send := func(at int64, piece string) int64 {
		next, err := a.store.AppendLog(ctx, a.call, at, []byte(piece))
		require.NoError(t, err)
		return next
	}
	require.Equal(t, int64(0), send(0, ""))
	require.Equal(t, int64(5), send(0, "first"))
	require.Equal(t, int64(5), send(0, "first"), "a repeat")
	require.Equal(t, int64(5), send(9, "a gap"), "nothing is taken behind a gap")
	require.Equal(t, int64(11), send(3, "st\xff\x00 and"), "the part that is new; bytes that are no text are marked")
	text, next, err := a.store.ReadLog(ctx, a.call.Machine, 0, 0)
	require.NoError(t, err)
	require.Equal(t, "first?? and", text)
	require.Equal(t, int64(len(text)), next)

	other := a.call
	other.TokenHash = []byte("somebody else's")
	_, err = a.store.AppendLog(ctx, other, 0, []byte("x"))
	require.ErrorIs(t, err, metal.ErrStaleClaim)

	piece := strings.Repeat("x", 64<<10)
	for at := next; at < 5<<20; {
		at = send(at, piece)
	}
	text, _, err = a.store.ReadLog(ctx, a.call.Machine, a.call.Boot, 0)
	require.NoError(t, err)
	require.LessOrEqual(t, len(text), 4<<20+len(piece), "a log is bounded")
}

func TestStepsAreOfTheBootAndOfWhoHasItsToken(t *testing.T) {
	t.Parallel()
	a := newCrowd(t, 1, 1).boots(metal.JobInstall)
	ctx := t.Context()
	require.NoError(t, a.store.RecordStep(ctx, a.call, metal.AgentStep{Step: "image", Done: 1, Total: 4, Text: "writing"}))
	first, err := a.store.Step(ctx, a.call.Machine)
	require.NoError(t, err)
	require.NoError(t, a.store.RecordStep(ctx, a.call, metal.AgentStep{Step: "image", Done: 3, Total: 4}))
	second, err := a.store.Step(ctx, a.call.Machine)
	require.NoError(t, err)
	require.Equal(t, int64(3), second.Done)
	require.True(t, second.Since.Equal(first.Since), "the step began once")
	other := a.call
	other.Boot--
	require.ErrorIs(t, a.store.RecordStep(ctx, other, metal.AgentStep{Step: "erase"}), metal.ErrStaleClaim)
	a.bootsAgain(metal.JobInstall, 2)
	none, err := a.store.Step(ctx, a.call.Machine)
	require.NoError(t, err)
	require.Empty(t, none.Step, "what an earlier boot said is over")
}

func TestAMachineThatRefusedKexecRebootsFromThenOn(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	_, err := c.store.Queries().GetMachine(ctx, "m1")
	require.NoError(t, err)
	a := c.boots(metal.JobInstall)
	job, err := c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(t, err)
	require.True(t, job.Kexec)
	a.says(metal.NoKexec, "no kernel found", nil)
	job, err = c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(t, err)
	require.False(t, job.Kexec)
}

func TestInventoriesReplaceOneAnother(t *testing.T) {
	t.Parallel()
	a := newCrowd(t, 1, 1).boots(metal.JobInstall)
	body, _, err := a.store.Inventory(t.Context(), a.call.Machine)
	require.NoError(t, err)
	require.Nil(t, body)
	a.says(metal.AgentUp, "1 disk", func(s *metal.Said) { s.Hardware, s.AgentVersion = []byte(`{"disks":1}`), "v1" })
	body, _, err = a.store.Inventory(t.Context(), a.call.Machine)
	require.NoError(t, err)
	require.JSONEq(t, `{"disks":1}`, string(bytes.TrimSpace(body)))
}

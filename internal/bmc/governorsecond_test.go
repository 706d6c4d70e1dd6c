package bmc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// setupTwoWays is one machine whose BMC has Redfish, and IPMI beside.
func setupTwoWays(t *testing.T) (*rack, *simulator) {
	t.Helper()
	r, s := setup(t), setupIPMI(t)
	r.ledger = &bmc.Memory{}
	r.driver.Ledger, r.driver.Request = r.ledger, 20*time.Second
	r.record.CipherSuite = "3"
	r.record.Second = metal.BMCWay{Protocol: metal.IPMI, Address: s.record.Address}
	return r, s
}

func TestTheSecondProtocolIsTakenWhenTheFirstKeepsFailing(t *testing.T) {
	t.Parallel()
	r, s := setupTwoWays(t)
	r.arm(t, redfish.RefuseSession, 0, 0)
	for range 2 {
		r.requireWeather(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	}
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On), "within the same call")
	require.Equal(t, "power=1\n", s.read(t, "log"))
	require.Equal(t, metal.IPMI, r.known().Protocol)
	require.Zero(t, r.known().Failures)

	// It is remembered, also by another process.
	asked := r.Load().Requests
	second := driverWith(password)
	second.Ledger = r.ledger
	require.NoError(t, second.SetPower(t.Context(), r.record, metal.Off))
	require.Equal(t, asked, r.Load().Requests)

	// So it is where nobody knows since when.
	record := r.known()
	record.ProtocolAt = time.Time{}
	r.teach(t, record)
	require.NoError(t, second.SetPower(t.Context(), r.record, metal.On))
	require.Equal(t, asked, r.Load().Requests)
	require.NotZero(t, r.known().ProtocolAt)

	// A day later the first has another chance.
	r.ClearFaults()
	record.ProtocolAt = time.Now().Add(-25 * time.Hour)
	r.teach(t, record)
	_, err := r.driver.Power(t.Context(), r.record)
	require.NoError(t, err)
	require.Greater(t, r.Load().Requests, asked)
	require.Empty(t, r.known().Protocol)
}

func TestWhatBothProtocolsRefuseIsToldOfBoth(t *testing.T) {
	t.Parallel()
	r, s := setupTwoWays(t)
	s.stop()
	r.arm(t, redfish.RefuseSession, 0, 0)
	r.driver.Request = 300 * time.Millisecond
	var err error
	for range 3 {
		_, err = r.driver.Power(t.Context(), r.record)
	}
	r.requireWeather(t, err)
	require.ErrorContains(t, err, "insufficient resources for session; over ipmi: no answer")
	require.Equal(t, 3, r.known().Failures)
}

// An IPMI that does not know our password must not look like a wrong password
// of the machine: the first protocol has only been away.
func TestTheSecondProtocolsRefusalIsNotTheFirsts(t *testing.T) {
	t.Parallel()
	r, _ := setupTwoWays(t)
	r.record.CipherSuite = "17" // which this BMC refuses
	r.arm(t, redfish.RefuseSession, 0, 0)
	for range 3 {
		_, err := r.driver.Power(t.Context(), r.record)
		r.requireWeather(t, err)
	}
	require.Empty(t, r.known().Protocol)
}

func TestAStuckBMCIsResetOverTheProtocolThatAnswers(t *testing.T) {
	t.Parallel()
	r, s := setupTwoWays(t)
	s.noteArguments(t)
	r.driver.Ipmitool, r.driver.Settle = s.driver.Ipmitool, 100*time.Millisecond
	r.arm(t, redfish.RefuseSession, 0, 0)
	require.NoError(t, r.driver.ColdReset(t.Context(), r.record))
	require.Contains(t, s.read(t, "args"), "mc reset cold")
	require.NotZero(t, r.known().ResetAt)
}

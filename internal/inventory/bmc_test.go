package inventory

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeBMC answers as IPMI 2.0 lays the bytes out; its LAN is on one channel.
type fakeBMC struct {
	channel byte
	broken  bool
}

func (f fakeBMC) Close() error { return nil }

func (f fakeBMC) Do(_ context.Context, function, command byte, data ...byte) ([]byte, error) {
	switch {
	case f.broken:
		return nil, errors.New("node busy")
	case function == functionApp && command == getDeviceID: // section 20.1
		return []byte{0x20, 0x81, 0x04, 0x22, 0x02, 0xdf, 0xa2, 0x02, 0x00, 0x00, 0x01, 0, 0, 0, 0}, nil
	case data[0] != f.channel:
		return nil, errors.New("completion code 0xcc")
	case data[1] == 5:
		return []byte{0x11, 0x4c, 0xd9, 0x8f, 1, 2, 3}, nil
	}
	return []byte{0x11, 192, 0, 2, 7}, nil
}

func TestTheBMCSaysWhoAndWhereItIs(t *testing.T) {
	t.Parallel()
	for _, channel := range []byte{1, 8} {
		r := &reader{}
		r.askBMC(t.Context(), fakeBMC{channel: channel})
		require.Equal(t, &BMC{Firmware: "4.22", IPMI: "2.0", Manufacturer: 674, Product: 256,
			MAC: "4c:d9:8f:01:02:03", Address: "192.0.2.7"}, r.found.BMC)
		require.Empty(t, r.found.Notes)
	}
}

func TestABMCThatDoesNotAnswerIsANote(t *testing.T) {
	t.Parallel()
	r := &reader{}
	r.askBMC(t.Context(), fakeBMC{broken: true})
	require.Nil(t, r.found.BMC)
	require.Contains(t, r.found.Notes[0], "node busy")
	r = &reader{}
	r.askBMC(t.Context(), fakeBMC{channel: 15})
	require.Equal(t, "4.22", r.found.BMC.Firmware)
	require.Contains(t, r.found.Notes[0], "no channel has a MAC address")
}

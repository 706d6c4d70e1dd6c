package api

import (
	"encoding/json"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is sent, a wish that is let through is one that can be.
func FuzzWhatIsReservedIsAPowerOfTwoOfOneFamily(f *testing.F) {
	for _, body := range []string{
		`{"type":"public_ipv4","quantity":4,"metro":"lab","customdata":"{}","tags":["a"]}`, `{"type":"public_ipv6","quantity":65536}`,
		`{"type":"global_ipv4","quantity":-1}`, `{"type":"vrf","vrf_id":"x"}`, `{"quantity":9223372036854775807,"type":"public_ipv4"}`, `[]`, `{`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in IPReservationInput
		if json.Unmarshal(body, &in) != nil {
			return
		}
		w, err := in.wish()
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Equal(t, 1, bits.OnesCount(uint(in.Quantity)))
		require.Contains(t, []int{4, 6}, w.Family)
		require.LessOrEqual(t, w.Bits, bitsOf[w.Family].longest)
		require.Equal(t, in.Quantity, 1<<(bitsOf[w.Family].longest-w.Bits))
	})
}

func FuzzAPieceIsAPrefixWithoutHostBits(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "192.0.2.1/32", "192.0.2.1/24", "2001:db8::/64", "::ffff:1.2.3.4", "fe80::1%eth0", "fe80::/10%x", "/", "1.2.3.4/033"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := piece("address", text)
		if err != nil {
			require.ErrorContains(t, err, "address: ")
			return
		}
		require.Equal(t, p.Masked(), p)
		require.False(t, p.Addr().Is4In6())
		require.Empty(t, p.Addr().Zone())
		again, err := piece("address", p.String())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

package webhook_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/webhook"
)

// keyFile writes a key of one byte over and over.
func keyFile(t *testing.T, of byte, size int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte{of}, size), 0o600))
	return path
}

func TestASealedSecretIsOpenedForItsWebhookAlone(t *testing.T) {
	t.Parallel()
	keys, err := webhook.ReadKeys([]string{keyFile(t, 1, 32)})
	require.NoError(t, err)
	secret := webhook.NewSecret()
	require.NotEqual(t, secret, webhook.NewSecret())
	sealed := keys.Seal("a", secret)
	require.NotContains(t, string(sealed), secret)
	require.NotEqual(t, sealed, keys.Seal("a", secret), "equal secrets do not look equal")
	opened, err := keys.Open("a", sealed)
	require.NoError(t, err)
	require.Equal(t, secret, opened)
	_, err = keys.Open("b", sealed)
	require.ErrorContains(t, err, "webhook b")
	for i := range sealed {
		spoilt := bytes.Clone(sealed)
		spoilt[i] ^= 1
		_, err = keys.Open("a", spoilt)
		require.Error(t, err, "byte %d", i)
		_, err = keys.Open("a", sealed[:i])
		require.Error(t, err, "%d bytes", i)
	}
}

func TestANewKeySealsAndTheOldOneStillOpens(t *testing.T) {
	t.Parallel()
	old, fresh := keyFile(t, 1, 32), keyFile(t, 2, 32)
	before, err := webhook.ReadKeys([]string{old})
	require.NoError(t, err)
	both, err := webhook.ReadKeys([]string{fresh, old})
	require.NoError(t, err)
	after, err := webhook.ReadKeys([]string{fresh})
	require.NoError(t, err)
	opened, err := both.Open("a", before.Seal("a", "whsec_old"))
	require.NoError(t, err)
	require.Equal(t, "whsec_old", opened)
	opened, err = after.Open("a", both.Seal("a", "whsec_new"))
	require.NoError(t, err)
	require.Equal(t, "whsec_new", opened)
	_, err = after.Open("a", before.Seal("a", "whsec_old"))
	require.ErrorContains(t, err, "--webhook-key")
}

func TestAKeyFileOfAnotherSizeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := webhook.ReadKeys([]string{keyFile(t, 1, 33)})
	require.ErrorContains(t, err, "it has 33 bytes")
	_, err = webhook.ReadKeys([]string{filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, err, "read the webhook key")
	none, err := webhook.ReadKeys(nil)
	require.NoError(t, err)
	require.Nil(t, none)
}

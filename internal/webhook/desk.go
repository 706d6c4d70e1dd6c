package webhook

import "millwright/internal/metal"

// Desk takes tenants' wishes for webhooks: it knows where they may go, and
// makes and seals their secrets.
type Desk struct {
	Rules
	Keys *Keys
}

// NewSecret makes the secret of a webhook: as its owner is shown it, once, and
// as it is kept.
func (d Desk) NewSecret(id metal.WebhookID) (secret string, sealed []byte) {
	secret = NewSecret()
	return secret, d.Keys.Seal(string(id), secret)
}

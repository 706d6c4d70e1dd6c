package main

import (
	"millwright/internal/api"
	"millwright/internal/webhook"
)

// webhookRules is what the API needs for tenants' webhooks; nil where there is
// no key to seal their secrets with.
func webhookRules(c webhook.Config) (api.WebhookRules, error) {
	keys, err := webhook.ReadKeys(c.Key)
	if err != nil || keys == nil {
		return nil, err
	}
	return webhook.Desk{Rules: c.Rules(), Keys: keys}, nil
}

// Package webhook speaks to endpoints of tenants: it signs messages after
// Standard Webhooks, posts them, and refuses to reach into networks that are
// not the tenant's to reach. It also keeps the secrets that it signs with from
// whoever can read the database.
//
// The package imports metal. It knows neither Temporal nor Postgres nor the
// API: when a message is due and what becomes of it is decided elsewhere.
package webhook

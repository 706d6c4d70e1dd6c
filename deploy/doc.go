// Package deploy holds what a site runs besides our programs: images, the
// databases' first start, Temporal's configuration, alerts and dashboards.
//
// It has no code. Its tests hold docker-compose.yml and these files against the
// programs as they are: every flag, file and metric that is named must exist.
// No other package may import it.
package deploy

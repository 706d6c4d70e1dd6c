package api_test

import (
	"strconv"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// place is where things are: in the world's project, or in the stranger's.
type place struct {
	name, org, project, user, device string
	made                             map[string]string // IDs, by what their paths begin with
}

// makers make one thing of each kind that a path can name. A route whose thing
// has no maker fails the test.
var makers = map[string]func(*world, *place) string{
	"organizations":         func(_ *world, p *place) string { return p.org },
	"projects":              func(_ *world, p *place) string { return p.project },
	"users":                 func(_ *world, p *place) string { return p.user },
	"devices":               func(_ *world, p *place) string { return p.device },
	"ports":                 func(w *world, p *place) string { bond, _ := w.ports(p.device); return bond },
	"api-keys":              makeKey,
	"user/api-keys":         makeKey,
	"ssh-keys":              makeSSHKey,
	"memberships":           makeMembership,
	"invitations":           makeInvitation,
	"ips":                   makeReservation,
	"bgp/sessions":          makeSession,
	"batches":               makeBatch,
	"webhooks":              makeWebhook,
	"hardware-reservations": func(w *world, p *place) string { return p.made["hardware"] },
	"events": func(w *world, p *place) string {
		return ids(w.want(200, "operator", "GET", "/devices/"+p.device+"/events", nil), "events")[0]
	},
}

func makeKey(w *world, p *place) string {
	return w.want(201, "operator", "POST", "/projects/"+p.project+"/api-keys", `{}`).body["id"].(string)
}

func makeSSHKey(w *world, p *place) string {
	return w.want(201, "operator", "POST", "/projects/"+p.project+"/ssh-keys", map[string]any{"label": "l", "key": publicKey(w.t)}).body["id"].(string)
}

// makeMembership makes one in the organization, of somebody who asks nothing.
func makeMembership(w *world, p *place) string {
	user, id := uuid.NewString(), uuid.NewString()
	w.exec(`insert into users (id, email) values ($1, $1 || '@example.net')`, user)
	w.exec(`insert into memberships (id, "user", organization, roles) values ($1, $2, $3, '{collaborator}')`, id, user, p.org)
	return id
}

func makeInvitation(w *world, p *place) string {
	body := map[string]any{"invitee": uuid.NewString() + "@example.net"}
	return w.want(201, "operator", "POST", "/organizations/"+p.org+"/invitations", body).body["id"].(string)
}

func makeReservation(w *world, p *place) string {
	body := map[string]any{"type": "public_ipv4", "quantity": 1, "metro": metro}
	return w.want(201, "operator", "POST", "/projects/"+p.project+"/ips", body).body["id"].(string)
}

func makeSession(w *world, p *place) string {
	w.want(204, "operator", "POST", "/projects/"+p.project+"/bgp-configs", `{"deployment_type":"local","asn":65000}`)
	w.exec(`delete from bgp_sessions where device = $1`, p.device)
	return w.want(201, "operator", "POST", "/devices/"+p.device+"/bgp/sessions", `{"address_family":"ipv4"}`).body["id"].(string)
}

func makeBatch(w *world, p *place) string {
	id := uuid.NewString()
	w.exec(`insert into batches (id, project, quantity) values ($1, $2, 1)`, id, p.project)
	return id
}

func makeWebhook(w *world, p *place) string {
	id := w.want(201, "operator", "POST", "/projects/"+p.project+"/webhooks", `{"url":"https://hooks.example/x"}`).body["id"].(string)
	w.do("operator", "POST", "/webhooks/"+id+"/test", nil)
	p.made["{delivery}"] = ids(w.want(200, "operator", "GET", "/webhooks/"+id+"/deliveries", nil), "deliveries")[0]
	return id
}

// places fills both projects with the same things.
func (w *world) places() []*place {
	own := &place{name: "own", org: w.org, project: w.project, user: w.users["collaborator"], made: map[string]string{}}
	another := &place{name: "another's", org: w.otherOrg, project: w.otherProject, user: w.users["stranger"], made: map[string]string{}}
	for i, p := range []*place{own, another} {
		p.made["hardware"] = w.keep(metal.MachineID("m"+strconv.Itoa(7+i)), p.project)
	}
	for i, p := range []*place{own, another} {
		w.project = p.project
		p.device = w.active("o-" + strconv.Itoa(i))
		w.exec(`update devices set locked = true where id = $1`, p.device) // who may delete it is told so
	}
	w.project = own.project
	return []*place{own, another, nil}
}

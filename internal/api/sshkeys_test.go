package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

const (
	ed25519      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILAeXQJhBl7S3xAAW+Xkx5ECfXcp2QMJtAkm/uYmFFV7 ada@example.net"
	ed25519Print = "f6:5a:77:31:7c:8e:84:8c:62:44:aa:c0:98:0b:f4:ca" // ssh-keygen -l -E md5

	rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDFgw4RINY3NHhj6P6JLM1Hlzgg2lE5PcaIpMq+lstSpVbII+qMgaVHGyIln0c30s6i/QKhwzqKf+F6YlO6FJkvZr+Zg8niI7BzOorkBRzszM4LA37v4a362+EweXh6vAv7e6gVgbC9tNEOWvqeVskhitTMDj/G6j00HkPC9YHVb2YRlFbdkWkoDUvFGm1chDZd7br7l9dRrVIvSCz8+cLKjS30uvmRELlRRkk6VnxeZxPFChbk5fLa3F418mjAR6CwebppeMD99huR0CP6jJ8oNkdc7eQ/4Wu+aJzGV+1w7O+ZjINOSnkB8dEpxpXMOZkAv+qfer9++CYl5vZFJWaf bob"
)

func TestSSHKeyIsAddedSeenChangedAndDeleted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for list, owner := range map[string]string{"/ssh-keys": "/users/" + w.users["collaborator"], "/projects/" + w.project + "/ssh-keys": "/projects/" + w.project} {
		made := w.want(201, "collaborator", "POST", list, map[string]any{"label": "mine", "key": " " + ed25519 + "\n"})
		require.Equal(t, ed25519, made.body["key"])
		require.Equal(t, ed25519Print, made.body["fingerprint"])
		require.Equal(t, map[string]any{"href": "/metal/v1" + owner}, made.body["owner"])
		at := "/ssh-keys/" + made.body["id"].(string)
		require.Equal(t, "/metal/v1"+at, made.body["href"])
		require.Equal(t, []string{made.body["id"].(string)}, ids(w.want(200, "collaborator", "GET", list, nil), "ssh_keys"))
		require.Len(t, ids(w.want(200, "collaborator", "GET", list+"?search=MIN", nil), "ssh_keys"), 1)
		require.Empty(t, ids(w.want(200, "collaborator", "GET", list+"?search=other", nil), "ssh_keys"))
		w.refused(w.do("collaborator", "POST", list, map[string]any{"label": "again", "key": ed25519}), 422, "key: it is here already")

		require.Equal(t, "hers", w.want(200, "collaborator", "PATCH", at, `{"label":"hers"}`).body["label"])
		other := w.want(200, "collaborator", "PUT", at, map[string]any{"key": rsa})
		require.Equal(t, rsa, other.body["key"])
		require.NotEqual(t, ed25519Print, other.body["fingerprint"])
		require.Equal(t, "hers", other.body["label"])
		w.want(204, "collaborator", "DELETE", at, nil)
		w.refused(w.do("collaborator", "GET", at, nil), 404, "Not found")
	}
}

func TestSSHKeysOfOthersAreNobodysBusiness(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own := "/ssh-keys/" + w.want(201, "collaborator", "POST", "/ssh-keys", map[string]any{"label": "mine", "key": ed25519}).body["id"].(string)
	projects := "/ssh-keys/" + w.want(201, "project_key", "POST", "/projects/"+w.project+"/ssh-keys", map[string]any{"label": "ours", "key": ed25519}).body["id"].(string)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		w.refused(w.do("owner", method, own, nil), 404, "Not found")
		w.refused(w.do("project_key", method, own, nil), 404, "Not found")
		w.refused(w.do("stranger", method, projects, nil), 404, "Not found")
	}
	w.want(200, "operator", "GET", own, nil)
	w.want(200, "limited_collaborator", "GET", projects, nil)
	w.refused(w.do("limited_collaborator", "DELETE", projects, nil), 403, "you may not delete this ssh key as limited_collaborator")
	w.refused(w.do("read_only", "DELETE", projects, nil), 403, "read-only")
	w.refused(w.do("project_key", "GET", "/ssh-keys", nil), 403, "a project's key is nobody")
	require.Empty(t, ids(w.want(200, "owner", "GET", "/ssh-keys", nil), "ssh_keys"))
}

func TestGarbageIsNoSSHKey(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for key, want := range map[string]string{
		"":                                     "key: missing",
		"garbage":                              "key: this is no public key",
		"ssh-ed25519 AAAA":                     "key: this is no public key",
		ed25519 + "\n" + rsa:                   "key: want one public key on one line",
		`from="10.0.0.0/8" ` + ed25519:         "key: conditions",
		"-----BEGIN OPENSSH PRIVATE KEY-----x": "key: this is a private key",
	} {
		w.refused(w.do("owner", "POST", "/ssh-keys", map[string]any{"label": "l", "key": key}), 422, want)
	}
	w.refused(w.do("owner", "POST", "/ssh-keys", map[string]any{"key": ed25519}), 422, "label: missing")
	w.refused(w.do("owner", "POST", "/ssh-keys", map[string]any{"label": "l", "key": ed25519, "instances_ids": []string{"x"}}), 422, "instances_ids: ")
}

// placed places an order past the API, as billing does.
func (w *world) placed(order, project string) error {
	w.t.Helper()
	o, err := metal.ParseOrder(metal.OrderID(order), []byte(`{"action":"provision","project":"`+project+`","site":"`+site+`","plan":"`+plan+`","operating_system":"`+system+`"}`))
	require.NoError(w.t, err)
	_, err = w.store.RecordOrder(w.t.Context(), o)
	return err
}

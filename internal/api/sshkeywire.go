package api

import (
	"bytes"
	"strings"

	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

// SSHKey is a public key as clients decode it. Terraform's provider panics
// where owner.href is missing.
type SSHKey struct {
	ID          string   `json:"id"`
	Href        string   `json:"href"`
	Label       string   `json:"label"`
	Key         string   `json:"key"`
	Fingerprint string   `json:"fingerprint"`
	Tags        []string `json:"tags"`
	Owner       href     `json:"owner"`
	Entity      href     `json:"entity"` // the owner, as the SDK calls it
	CreatedAt   *string  `json:"created_at"`
	UpdatedAt   *string  `json:"updated_at"`
}

// SSHKeyList is a page of keys.
type SSHKeyList struct {
	SSHKeys []SSHKey `json:"ssh_keys"`
	Meta    meta     `json:"meta"`
}

// SSHKeyInput is what a key is added or changed with.
type SSHKeyInput struct {
	Label       string   `json:"label"`
	Key         string   `json:"key"`
	Tags        []string `json:"tags,omitempty"`
	InstanceIDs []string `json:"instances_ids,omitempty"`
}

func (in SSHKeyInput) check(fresh bool) error {
	if len(in.InstanceIDs) > 0 {
		return unprocessable("instances_ids: keys are put on devices when they are installed; leave it out, and name the key when you order")
	}
	if fresh || in.Label != "" {
		if err := checkName("label", in.Label); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

// maxSSHKey is above the longest key that anybody makes: RSA with 16384 bits
// takes 2.7 kB.
const maxSSHKey = 8 << 10

// readSSHKey takes one line as ssh-keygen writes it and returns it with its
// fingerprint. Conditions before a key are refused: they bind whoever logs in,
// and the API's other clients would not see them.
func readSSHKey(text string) (line, fingerprint string, err error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", "", unprocessable("key: missing; give a public key, one line as in authorized_keys")
	case len(text) > maxSSHKey || strings.ContainsAny(text, "\r\n\x00"):
		return "", "", unprocessable("key: want one public key on one line")
	case strings.Contains(text, "PRIVATE KEY"):
		return "", "", unprocessable("key: this is a private key, which is yours alone; give the public one")
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	switch {
	case err != nil || len(bytes.TrimSpace(rest)) > 0:
		return "", "", unprocessable("key: this is no public key as ssh-keygen writes it (ssh-ed25519 AAAA… comment)")
	case len(options) > 0:
		return "", "", unprocessable("key: conditions before a key are not kept; give the key alone")
	}
	if err := checkText("key", text, maxSSHKey); err != nil {
		return "", "", err
	}
	return text, ssh.FingerprintLegacyMD5(key), nil
}

func sshKeyWire(k metal.SSHKey) SSHKey {
	owner := href{link("users", string(k.User))}
	if k.Project != "" {
		owner = href{link("projects", string(k.Project))}
	}
	return SSHKey{
		ID: string(k.ID), Href: link("ssh-keys", string(k.ID)), Label: k.Label, Key: k.Key, Fingerprint: k.Fingerprint,
		Tags: listed(k.Tags), Owner: owner, Entity: owner, CreatedAt: stamp(k.Created), UpdatedAt: stamp(k.Changed),
	}
}

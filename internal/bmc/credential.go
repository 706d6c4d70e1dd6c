package bmc

import (
	"context"

	"millwright/internal/metal"
)

// otherCredential is the key under which a context has the credential of one
// conversation.
type otherCredential struct{}

// as has conversations under a context log in with a credential that is not, or
// not yet, on record: at a BMC that is no machine's, or with the password that
// was set a moment ago.
func as(ctx context.Context, cred metal.Credential) context.Context {
	return context.WithValue(ctx, otherCredential{}, cred)
}

// credential is what to log in with.
func (d *Driver) credential(ctx context.Context, b metal.BMC) (metal.Credential, error) {
	if cred, ok := ctx.Value(otherCredential{}).(metal.Credential); ok {
		return cred, nil
	}
	return d.Credentials(ctx, b.Credential)
}

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"millwright/internal/authority"
)

type caCommand struct {
	Make caMake `cmd:"" help:"Make an authority and a server's certificate, or renew the latter. Safe to repeat: let a timer do it every week."`
}

type caMake struct {
	Dir  string   `type:"path" required:"" placeholder:"DIR" help:"Where they lie. Its ca.key is for nobody else to read, and may be kept elsewhere between renewals."`
	Name []string `default:"api.equinix.com" placeholder:"HOST" help:"What clients have built in. The authority can sign for these names and their subdomains, and for nothing else."`
}

// Run makes what is missing, and says how clients are led here.
func (c caMake) Run(_ context.Context, a *app) error {
	made, err := authority.Make(c.Dir, c.Name, time.Now())
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{
			"dir": c.Dir, "names": made.Names, "new_authority": made.Authority, "new_certificate": made.Server, "ends_at": made.Ends.UTC(),
		})
	}
	in := func(file string) string { return filepath.Join(c.Dir, file) }
	state := "is good"
	if made.Server {
		state = "was made, and is good"
	}
	fmt.Fprintf(a.out, "The certificate for %s %s until %s; it is renewed by the same command in its last 30 days.\n", joined(made.Names), state, made.Ends.UTC().Format(time.DateOnly))
	if made.Authority {
		fmt.Fprintf(a.out, caAdvice, in("server.pem"), in("server.key"), made.Names[0], in("ca.pem"))
	}
	return nil
}

// caAdvice is printed once: what has to be done beside.
const caAdvice = `
Serve with it; a renewed certificate is read while the server runs:

    starter serve --tls-listen :443 --tls-certificate %[1]s --tls-key %[2]s …

Lead clients here, either way:

  by name   have your DNS, or their /etc/hosts, say that %[3]s is this server
  by proxy  add --connect-listen :3128 above, and give clients HTTPS_PROXY=http://this-server:3128

Have them trust the authority. It can sign for %[3]s alone:

  Go programs (metal-cli, Terraform, the Kubernetes providers)   SSL_CERT_FILE=%[4]s
     where they speak to others, too: a file with the system's authorities and this one
  curl                                                           --cacert %[4]s
  Debian, for everybody    cp %[4]s /usr/local/share/ca-certificates/millwright.crt && update-ca-certificates
`

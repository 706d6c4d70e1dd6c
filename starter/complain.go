package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/api/serviceerror"

	"millwright/internal/apiclient"
	"millwright/internal/metal"
)

// Exit codes.
const (
	exitDone  = 0
	exitNot   = 1
	exitUsage = 2
)

// usageError is a command used wrongly: nothing was tried.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(err error) error { return usageError{err} }

// errSaid ends a command whose output has said already what is wrong.
var errSaid = errors.New("see above")

// complain prints an error as one line with what to do next, and returns the
// exit code.
func complain(w io.Writer, err error) int {
	var wrong usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSaid):
		return exitNot
	case errors.As(err, &wrong):
		fmt.Fprintf(w, "starter: %s; see starter --help\n", strings.TrimSuffix(err.Error(), "."))
		return exitUsage
	}
	fmt.Fprintln(w, "starter:", inWords(err))
	return exitNot
}

// inWords is an error with its remedy. Causes are kept, because whoever reads
// this may be the operator who has to mend it.
func inWords(err error) string {
	var refused *pgconn.ConnectError
	var sql *pgconn.PgError
	var noNamespace *serviceerror.NamespaceNotFound
	var away *serviceerror.Unavailable
	var said apiclient.Refusal
	var lost *url.Error
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("Postgres at %s:%d does not let us in: %s; is it running, and is MILLWRIGHT_POSTGRES right?",
			refused.Config.Host, refused.Config.Port, cause(refused))
	case errors.As(err, &sql) && sql.Code == undefinedTable:
		return "the database has no schema yet; run: starter migrate"
	case errors.As(err, &noNamespace):
		return fmt.Sprintf("Temporal has no namespace %q yet; run: starter migrate", noNamespace.Namespace)
	case errors.As(err, &away):
		return err.Error() + "; is Temporal running, and is MILLWRIGHT_TEMPORAL_ADDRESS right?"
	case errors.As(err, &said):
		return refusalInWords(err, said)
	case errors.As(err, &lost):
		return fmt.Sprintf("the API at %s does not answer: %s; is it running, and is MILLWRIGHT_API right?", hostOf(lost.URL), cause(err))
	case errors.Is(err, context.Canceled):
		return "interrupted; whatever was ordered goes on: starter list orders"
	case errors.Is(err, context.DeadlineExceeded):
		return err.Error() + "; no answer in time, try again"
	case errors.Is(err, metal.ErrUnknownDevice):
		return err.Error() + "; see starter list devices"
	case errors.Is(err, metal.ErrUnknownFleet):
		return err.Error() + "; see starter fleet list"
	case errors.Is(err, metal.ErrUnknownMachine):
		return err.Error() + "; see starter list machines"
	}
	return err.Error()
}

// refusalInWords adds what the API cannot know: where a key is put, and how a
// fault of its own is told to whoever runs it.
func refusalInWords(err error, said apiclient.Refusal) string {
	switch {
	case said.Code == http.StatusUnauthorized:
		return err.Error() + "; set MILLWRIGHT_KEY to a key that is valid, or run: starter login"
	case said.Code >= http.StatusInternalServerError && said.Request != "":
		return err.Error() + "; the request was " + said.Request
	}
	return err.Error()
}

// hostOf leaves out what follows the host: IDs are noise, and nobody asked.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "its address"
	}
	return u.Host
}

const undefinedTable = "42P01" // Postgres, appendix A

// cause is the last word of a connection's failure: all before it is said
// better by us, and names every address that was tried.
func cause(err error) string {
	var network *net.OpError
	var sql *pgconn.PgError
	switch {
	case errors.As(err, &network):
		return network.Err.Error()
	case errors.As(err, &sql):
		return sql.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "the connection cannot be made"
}

package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"millwright/internal/metal"
)

// refusal is an answer that says why not, in the API's own form.
type refusal struct {
	code  int
	words []string
}

func (r refusal) Error() string { return strings.Join(r.words, "; ") }

// refuse makes a refusal of one sentence, which names the field that is wrong.
func refuse(code int, format string, args ...any) error {
	return refusal{code, []string{fmt.Sprintf(format, args...)}}
}

// unprocessable refuses a request that was understood and cannot be.
func unprocessable(format string, args ...any) error {
	return refuse(http.StatusUnprocessableEntity, format, args...)
}

// errNotFound is for what does not exist, or not for this caller.
func errNotFound() error { return refuse(http.StatusNotFound, "Not found") }

// codes of errors whose words the caller may read.
var codes = []struct {
	is   error
	code int
}{
	{metal.ErrNotFound, http.StatusNotFound},
	{metal.ErrUnknownDevice, http.StatusNotFound},
	{metal.ErrUnknownReservation, http.StatusNotFound},
	{metal.ErrBadCredentials, http.StatusUnauthorized},
	{metal.ErrOrderConflict, http.StatusUnprocessableEntity},
	{metal.ErrInvalid, http.StatusUnprocessableEntity},
	{metal.ErrInvalidOrder, http.StatusUnprocessableEntity},
	{metal.ErrInvalidPrefix, http.StatusUnprocessableEntity},
	{metal.ErrInvalidName, http.StatusUnprocessableEntity},
	{metal.ErrNotAllowed, http.StatusUnprocessableEntity},
	{metal.ErrWrongState, http.StatusUnprocessableEntity},
	{metal.ErrQuota, http.StatusUnprocessableEntity},
	{metal.ErrNoAddress, http.StatusUnprocessableEntity},
	{metal.ErrNoMachine, http.StatusUnprocessableEntity},
	{metal.ErrOverlap, http.StatusUnprocessableEntity},
	{metal.ErrInUse, http.StatusUnprocessableEntity},
	{metal.ErrUnsupported, http.StatusUnprocessableEntity},
}

// refusalOf puts an error into the API's form. What is not the caller's to know
// stays in the log.
func refusalOf(err error) refusal {
	var said refusal
	switch {
	case errors.As(err, &said):
		return said
	case errors.Is(err, metal.ErrNotFound):
		return refusal{http.StatusNotFound, []string{"Not found"}}
	case errors.Is(err, context.DeadlineExceeded):
		return refusal{http.StatusServiceUnavailable, []string{"no answer in time; try again"}}
	}
	for _, c := range codes {
		if errors.Is(err, c.is) {
			return refusal{c.code, []string{strings.TrimSuffix(err.Error(), ": "+c.is.Error())}}
		}
	}
	return refusal{http.StatusInternalServerError, []string{"something is broken here; it was recorded under this answer's X-Request-Id"}}
}

package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
)

// sentence is an error in words for people: what the step itself said, without
// Temporal's framing of activity and attempt numbers.
func sentence(err error) string {
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case temporal.IsCanceledError(err):
		return "cancelled"
	case errors.As(err, &application):
		return application.Message()
	case errors.As(err, &timeout) && timeout.Unwrap() != nil:
		return "gave up: " + sentence(timeout.Unwrap())
	case errors.As(err, &timeout):
		return "gave up: no answer in time"
	}
	return err.Error()
}

// isType reports whether an error carries a published type.
func isType(err error, name string) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && application.Type() == name
}

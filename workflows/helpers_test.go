package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

func (h harm) String() string {
	return [...]string{"none", "fails before its effect", "fails after its effect", "answer lost", "runs twice"}[h]
}

// failing harms one attempt.
func failing(n int, how harm) func(int, string) harm {
	return func(call int, _ string) harm {
		if call == n {
			return how
		}
		return none
	}
}

func cancelAt(at time.Duration) func(*testsuite.TestWorkflowEnvironment) {
	return func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, at)
	}
}

// typeOf is the failure type that an operator sees.
func typeOf(err error) string {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		return application.Type()
	}
	return ""
}

// updateAnswer hears what became of an update.
type updateAnswer struct {
	rejected error
	said     any
}

func (u *updateAnswer) Accept()                      {}
func (u *updateAnswer) Reject(err error)             { u.rejected = err }
func (u *updateAnswer) Complete(said any, err error) { u.said, u.rejected = said, err }

package bmc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"millwright/internal/metal"
)

// scriptLimit is how much longer than one command a script may take: a sensor
// repository of 150 records is some 600 requests, 12 s at a slow BMC.
const scriptLimit = 4

// script runs commands of ipmitool in one process, which is one session at the
// BMC instead of one for each, and answers with what each group of them
// printed. The machine's power state is asked for before each group, since
// ipmitool's lists do not say where they end. Commands go in by standard input:
// a password among them is on no command line.
func (s *ipmiSession) script(ctx context.Context, groups ...[]string) (power string, printed []string, err error) {
	if err := s.pace.wait(ctx); err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, scriptLimit*s.limit, fmt.Errorf("%w within %s", errSilent, scriptLimit*s.limit))
	defer cancel()
	var input strings.Builder
	for _, group := range groups {
		fmt.Fprintf(&input, "%s\n%s\n", separator, strings.Join(group, "\n"))
	}
	command := s.prepare(ctx, "exec", "/dev/stdin")
	command.Env = append(command.Env, "LC_ALL=C", "TZ=UTC") // for dates
	command.Stdin = strings.NewReader(input.String())
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &limited{&out}, &limited{&complaints}
	command.WaitDelay = time.Second
	err = command.Run()
	s.pace.ended()
	if ctx.Err() != nil {
		return "", nil, context.Cause(ctx)
	}
	power, printed = sections(out.String())
	if len(printed) != len(groups) {
		return "", nil, s.explain(ctx, noScript(err, complaints.String()))
	}
	s.pace.answered()
	return power, printed, nil
}

// noScript is why there is no answer: in ipmitool's words, of which explain
// lets those through that it knows.
func noScript(err error, complaints string) error {
	if exit := (*exec.ExitError)(nil); err == nil || errors.As(err, &exit) {
		return fmt.Errorf("the BMC did not answer every command: %s", clean(complaints, 150))
	}
	return err
}

// separator is a command that any BMC answers, in one line that no list holds.
const separator = "chassis power status"

const separated = "Chassis Power is "

// sections splits what a script printed.
func sections(out string) (power string, printed []string) {
	for _, part := range strings.Split("\n"+out, "\n"+separated)[1:] {
		state, rest, _ := strings.Cut(part, "\n")
		power = strings.TrimSpace(state)
		printed = append(printed, rest)
	}
	return power, printed
}

// limited takes what a program prints, up to what an answer may be long.
type limited struct{ *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := answerLimit - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

// facts are ipmitool's lists of "Name   : value", by the name in lower case.
// The first of several counts.
func facts(printed string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(printed) {
		name, value, found := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, known := all[name]; found && name != "" && !known {
			all[name] = clean(value, 200)
		}
	}
	return all
}

// unsafe says whether a text would be more than one word of a script.
func unsafe(text string) bool {
	return text == "" || strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'\\#`", r)
	})
}

// errUnsafe refuses user names and passwords that a script would tear apart. It
// quotes neither.
var errUnsafe = fmt.Errorf("user name or password has characters that ipmitool's scripts cannot carry: %w", metal.ErrUnsupported)

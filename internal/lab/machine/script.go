package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// script is the part of iPXE's language that boot scripts are written in:
// kernel, initrd, boot, sanboot, chain, exit, sleep, goto, labels and ||.
type script struct {
	lines []string
	next  int // the line to run
}

// ending is how a script ends: with a next stage, or back in the firmware.
type ending struct {
	stage stage
	exit  bool
}

const (
	scriptLimit = 64 << 10 // bytes; a script of ours has 500
	// stepLimit ends a script that goes round without a sleep: real firmware
	// would spin for ever, a lab of a thousand machines must not.
	stepLimit = 10_000
)

var errNotScript = errors.New("not an iPXE script: it does not begin with #!ipxe")

// boot runs the script behind a URL, and the scripts that it chains to.
func (l *life) boot(ctx context.Context, where string) (stage, error) {
	l.enter(BootScript, "")
	s, err := l.fetchScript(ctx, where)
	if err != nil {
		return nil, err
	}
	run := &interpreter{life: l, script: s}
	for range stepLimit {
		line, more := run.script.line()
		if !more {
			return nil, errors.New("the script ended without booting anything")
		}
		end, err := run.alternatives(ctx, line)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q: %w", command(line), err)
		case end != nil && end.exit:
			return l.disk, nil
		case end != nil:
			return end.stage, nil
		}
	}
	return nil, fmt.Errorf("the script took %d steps", stepLimit)
}

func (l *life) fetchScript(ctx context.Context, where string) (*script, error) {
	var body strings.Builder
	if err := l.fetch(ctx, where, scriptLimit, &body); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(body.String(), "#!ipxe\n") {
		return nil, fmt.Errorf("%s: %w", pathOf(where), errNotScript)
	}
	return &script{lines: strings.Split(body.String(), "\n")}, nil
}

// fetch copies what is behind a URL over the wire. Errors name the path alone:
// a query may carry a token.
func (l *life) fetch(ctx context.Context, where string, limit int64, to io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", pathOf(where), err)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", pathOf(where), bare(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch %s: %s", pathOf(where), response.Status)
	}
	if _, err := io.Copy(to, io.LimitReader(response.Body, limit)); err != nil {
		return fmt.Errorf("fetch %s: %w", pathOf(where), err)
	}
	return nil
}

// bare is an HTTP client's error without the URL that it repeats, query and all.
func bare(err error) error {
	var full *url.Error
	if errors.As(err, &full) {
		return full.Err
	}
	return err
}

func pathOf(where string) string {
	path, _, _ := strings.Cut(where, "?")
	return path
}

// line is the next one that does something.
func (s *script) line() (string, bool) {
	for s.next < len(s.lines) {
		line := strings.TrimSpace(s.lines[s.next])
		s.next++
		if line != "" && line[0] != '#' && line[0] != ':' {
			return line, true
		}
	}
	return "", false
}

func (s *script) jump(label string) error {
	at := slices.IndexFunc(s.lines, func(line string) bool { return strings.TrimSpace(line) == ":"+label })
	if at < 0 {
		return fmt.Errorf("no label %q", label)
	}
	s.next = at
	return nil
}

// interpreter runs one script after another, and holds the kernel that was
// loaded but not yet started.
type interpreter struct {
	*life
	script *script
	kernel []string // its arguments; nil while none is loaded
}

// alternatives runs "a || b": b where a went wrong. Nothing after || means
// that it does not matter.
func (r *interpreter) alternatives(ctx context.Context, line string) (*ending, error) {
	var end *ending
	var err error
	for alternative := range strings.SplitSeq(line+" ", "||") {
		words := strings.Fields(alternative)
		if len(words) == 0 {
			return nil, ctx.Err()
		}
		if end, err = r.command(ctx, words[0], words[1:]); err == nil {
			return end, nil
		}
	}
	return nil, err
}

func (r *interpreter) command(ctx context.Context, name string, args []string) (*ending, error) {
	switch name {
	case "echo", "set", "imgfree", "ifopen", "dhcp":
		return nil, nil // nothing that a simulated machine has to do
	case "kernel", "initrd":
		return nil, r.load(ctx, name, operands(args))
	case "boot":
		return r.start()
	case "chain":
		return nil, r.chain(ctx, operands(args))
	case "sanboot":
		if !r.disks[0].Bootable() {
			return nil, errors.New("the disk holds no system")
		}
		return &ending{stage: r.life.disk}, nil
	case "exit":
		return &ending{exit: true}, nil
	case "goto":
		return nil, r.script.jump(strings.Join(args, " "))
	case "sleep":
		return nil, sleep(ctx, args)
	}
	return nil, errors.New("no such command")
}

// operands leaves out the options, such as chain's --replace.
func operands(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "--") })
}

// load fetches a file as iPXE would, and keeps nothing of it: what runs in its
// place is the agent's own code, and a thousand machines that boot at once must
// not hold a thousand kernels.
func (r *interpreter) load(ctx context.Context, name string, args []string) error {
	if len(args) == 0 {
		return errors.New("it names no URL")
	}
	const fileLimit = 256 << 20
	if err := r.fetch(ctx, args[0], fileLimit, io.Discard); err != nil {
		return err
	}
	if name == "kernel" {
		r.kernel = args[1:]
	}
	return nil
}

func (r *interpreter) start() (*ending, error) {
	if r.kernel == nil {
		return nil, errors.New("no kernel is loaded")
	}
	arguments := r.kernel
	return &ending{stage: func(ctx context.Context) stage { return r.life.agent(ctx, arguments) }}, nil
}

func (r *interpreter) chain(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("it names no URL")
	}
	next, err := r.fetchScript(ctx, args[0])
	if err != nil {
		return err
	}
	r.script, r.kernel = next, nil
	return nil
}

func sleep(ctx context.Context, args []string) error {
	seconds, err := strconv.Atoi(strings.Join(args, ""))
	if err != nil {
		return fmt.Errorf("seconds: %w", err)
	}
	if !wait(ctx, time.Duration(seconds)*time.Second) {
		return ctx.Err()
	}
	return nil
}

// command is a line's first word: the rest may hold a token.
func command(line string) string {
	word, _, _ := strings.Cut(line, " ")
	return word
}

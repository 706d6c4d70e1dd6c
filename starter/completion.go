package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"

	"millwright/internal/apiclient"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says where the code goes.
func (completionCommand) Help() string {
	return `Have it read by each shell that starts: put into ~/.bashrc

    source <(starter completion bash)

into ~/.zshrc the same with zsh, and into ~/.config/fish/config.fish

    starter completion fish | source`
}

// shells are told to ask the program itself what may follow: it is given the
// line so far in COMP_LINE, as bash does it.
var shells = map[string]string{
	"bash": "complete -o default -o bashdefault -C %[1]s starter\n",
	"zsh": `(( $+functions[compdef] )) || { autoload -U +X compinit && compinit }
autoload -U +X bashcompinit && bashcompinit
complete -o default -o bashdefault -C %[1]s starter
`,
	"fish": `function __complete_starter
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct); and set COMP_LINE "$COMP_LINE "
    %[1]s
end
complete -c starter -a "(__complete_starter)"
`,
}

// Run prints the code.
func (c completionCommand) Run(a *app) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's path: %w", err)
	}
	_, err = fmt.Fprintf(a.out, shells[c.Shell], "'"+strings.ReplaceAll(self, "'", `'\''`)+"'")
	return err
}

// completed answers a shell that asks what may follow, and reports whether one
// did.
func completed(parser *kong.Kong) (done bool) {
	if os.Getenv("COMP_LINE") == "" {
		return false
	}
	names := func(path, list, by string) complete.Predictor {
		return complete.PredictFunc(func(complete.Args) []string { return known(path, list, by) })
	}
	kongcompletion.Register(parser, kongcompletion.WithExitFunc(func(int) { done = true }),
		kongcompletion.WithPredictors(map[string]complete.Predictor{
			"device":  complete.PredictFunc(func(complete.Args) []string { return knownDevices() }),
			"project": names("/projects", "projects", "id"),
			"plan":    names("/plans", "plans", "slug"),
			"system":  names("/operating-systems", "operating_systems", "slug"),
			"metro":   names("/locations/metros", "metros", "code"),
		}))
	return done
}

// completeLimit is how long a person who pressed the tab key waits.
const completeLimit = 2 * time.Second

// fromEnvironment is the key and address of commands without flags: what is
// typed of them so far is not looked at.
func fromEnvironment() (*apiclient.Client, error) {
	var c struct{ customer }
	parser, err := kong.New(&c, kong.DefaultEnvars("MILLWRIGHT"))
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(nil); err != nil {
		return nil, err
	}
	return c.client()
}

// known are the names of things that the API lists; none where it cannot be
// asked: nobody who completes a word wants to read why.
func known(path, list, by string) (names []string) {
	c, err := fromEnvironment()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeLimit)
	defer cancel()
	items, _ := c.List(ctx, path, list, nil) // no list, no names
	for _, raw := range items {
		var item map[string]any
		_ = json.Unmarshal(raw, &item) // no object, no name
		if name, ok := item[by].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func knownDevices() (names []string) {
	for _, project := range known("/projects", "projects", "id") {
		names = append(names, known(below("projects", project, "devices"), "devices", "id")...)
	}
	return names
}

//go:build linux

// Command init is what the tests boot in the agent's place: it says over HTTP
// what its RAM system found, and leaves as the kernel's command line says.
// With proof.role=switch it is the other end of the link instead.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"millwright/internal/ramsystem"
)

// Said is what a machine tells the test.
type Said struct {
	Arguments string   `json:"arguments"`
	Version   string   `json:"version"`
	Uptime    string   `json:"uptime"`
	Modules   []string `json:"modules"`
	Blocks    []string `json:"blocks"`
	Addresses []string `json:"addresses"`
	Routes    []string `json:"routes"`
	Resolvers string   `json:"resolvers"`
	Bond      string   `json:"bond"`
	NoKernel  string   `json:"no_kernel"` // why LoadKernel refused
	Loaded    bool     `json:"loaded"`
	Program   string   `json:"program"` // what a foreign program said
	Zombies   int      `json:"zombies"`
	Mounted   bool     `json:"mounted"` // a file system of the disk, by mount(2) alone
}

func main() {
	ramsystem.Enter()
	log := slog.New(slog.NewTextHandler(ramsystem.Console(), nil))
	ctx := context.Background()
	system, err := ramsystem.Start(ctx, log)
	if err != nil {
		log.Error("start", "error", err)
		os.Exit(3)
	}
	words := arguments()
	if words["proof.role"] == "switch" {
		log.Error("the switch ended", "error", beSwitch(ctx, system, log))
		os.Exit(4)
	}
	if words["proof.crash"] == "once" && os.Mkdir("/run/crashed", 0o700) == nil {
		panic("as the command line says")
	}
	if err := system.Network(ctx); err != nil {
		log.Error("network", "error", err)
		os.Exit(5)
	}
	if words["proof.tools"] != "" {
		if err := system.AddTools(tools(words["proof.url"])); err != nil {
			log.Error("tools", "error", err)
		}
	}
	said := look(ctx)
	if disk := words["proof.disk"]; disk != "" {
		said.NoKernel = text(system.LoadKernel(ctx, "/dev/"+disk))
		said.Loaded = said.NoKernel == ""
	}
	tell(log, words["proof.url"], said)
	log.Error("leave", "error", system.Leave(ramsystem.Way(words["proof.way"])))
}

func tools(url string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		answer, err := http.Get(url)
		if err != nil {
			return nil, err
		}
		return answer.Body, nil
	}
}

// tell does not give up: the test ends the machine.
func tell(log *slog.Logger, url string, said Said) {
	body, _ := json.Marshal(said)
	for {
		answer, err := http.Post(url, "application/json", bytes.NewReader(body))
		if err == nil {
			answer.Body.Close()
			log.Info("told")
			return
		}
		log.Error("tell", "error", err)
		time.Sleep(time.Second)
	}
}

func arguments() map[string]string {
	said := map[string]string{}
	for _, word := range strings.Fields(read("/proc/cmdline")) {
		name, value, _ := strings.Cut(word, "=")
		said[name] = value
	}
	return said
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func read(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(content))
}

func names(pattern string) []string {
	found, _ := filepath.Glob(pattern)
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

//go:build linux

package ramsystem

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// modules are a kernel's modules, as depmod(8)'s indexes list them.
type modules struct {
	folder  string
	files   map[string]string   // name → path below folder
	needs   map[string][]string // name → names
	wishes  map[string][]string // name → names or aliases that should come first
	aliases []alias
	options map[string]string // name → parameters from the kernel's command line
	log     *slog.Logger

	mu     sync.Mutex
	loaded map[string]bool
}

type alias struct{ pattern, name string }

func modulesFolder() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "/usr/lib/modules"
	}
	return filepath.Join("/usr/lib/modules", unix.ByteSliceToString(name.Release[:]))
}

func openModules(folder, cmdline string, log *slog.Logger) (*modules, error) {
	m := &modules{
		folder: folder, log: log, loaded: map[string]bool{},
		files: map[string]string{}, needs: map[string][]string{}, wishes: map[string][]string{},
	}
	for file, read := range map[string]func(string){
		"modules.dep": m.readNeeds, "modules.alias": m.readAlias, "modules.softdep": m.readWish, "modules.builtin": m.readBuiltin,
	} {
		if err := eachLine(filepath.Join(folder, file), read); err != nil {
			return nil, fmt.Errorf("read the index of modules: %w", err)
		}
	}
	line, err := os.ReadFile(cmdline)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's command line: %w", err)
	}
	m.options = optionsOf(string(line))
	return m, nil
}

func eachLine(file string, use func(line string)) error {
	opened, err := os.Open(file)
	if err != nil {
		return err
	}
	defer opened.Close()
	lines := bufio.NewScanner(opened)
	for lines.Scan() {
		use(lines.Text())
	}
	return lines.Err()
}

// moduleName is as the kernel writes it.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

func (m *modules) readNeeds(line string) {
	file, needs, _ := strings.Cut(line, ":")
	name := moduleName(file)
	m.files[name] = file
	for _, need := range strings.Fields(needs) {
		m.needs[name] = append(m.needs[name], moduleName(need))
	}
}

func (m *modules) readAlias(line string) {
	if words := strings.Fields(line); len(words) == 3 && words[0] == "alias" {
		m.aliases = append(m.aliases, alias{words[1], words[2]})
	}
}

func (m *modules) readWish(line string) {
	if words := strings.Fields(line); len(words) > 3 && words[2] == "pre:" {
		m.wishes[words[1]] = words[3:]
	}
}

// readBuiltin notes what the kernel has without loading.
func (m *modules) readBuiltin(line string) { m.loaded[moduleName(line)] = true }

// optionsOf finds module.parameter=value. Most of such words are for other
// programs, ours among them, and name no module: nobody looks them up.
func optionsOf(line string) map[string]string {
	options := map[string]string{}
	for _, word := range strings.Fields(line) {
		module, option, found := strings.Cut(word, ".")
		if found && !strings.Contains(module, "=") {
			name := strings.ReplaceAll(module, "-", "_")
			options[name] = strings.TrimSpace(options[name] + " " + option)
		}
	}
	return options
}

// matching are the modules that drive or implement what an alias names.
func (m *modules) matching(name string) []string {
	var found []string
	for _, a := range m.aliases {
		// No modalias has a slash, so path.Match's stars match what fnmatch's do.
		if ok, err := path.Match(a.pattern, name); err == nil && ok {
			found = append(found, a.name)
		}
	}
	return found
}

var errNoModule = errors.New("no module of this kernel has that name")

// wanted loads a module by its name, or those that an alias names.
func (m *modules) wanted(ctx context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	plain := strings.ReplaceAll(name, "-", "_")
	if m.loaded[plain] || m.files[plain] != "" {
		return m.load(ctx, plain)
	}
	found := m.matching(name)
	if len(found) == 0 {
		return fmt.Errorf("load %s: %w", name, errNoModule)
	}
	var failed []error
	for _, module := range found {
		failed = append(failed, m.load(ctx, module))
	}
	return errors.Join(failed...)
}

// load loads one module and, before it, what it needs.
func (m *modules) load(ctx context.Context, name string) error {
	if m.loaded[name] {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("load the module %s: %w", name, ctx.Err())
	}
	for _, wish := range m.wishes[name] {
		for _, module := range append(m.matching(wish), strings.ReplaceAll(wish, "-", "_")) {
			if m.files[module] != "" {
				_ = m.load(ctx, module) // a wish: crc32c has several modules, and one that fits the processor
			}
		}
	}
	for _, need := range m.needs[name] {
		if err := m.load(ctx, need); err != nil {
			return fmt.Errorf("%w (%s needs it)", err, name)
		}
	}
	if err := m.insert(name); err != nil {
		return fmt.Errorf("load the module %s: %w", name, err)
	}
	m.loaded[name] = true
	return nil
}

// insert gives the kernel the file as it is: it decompresses by itself.
func (m *modules) insert(name string) error {
	if m.files[name] == "" {
		return fs.ErrNotExist
	}
	file, err := os.Open(filepath.Join(m.folder, m.files[name]))
	if err != nil {
		return err
	}
	defer file.Close()
	err = unix.FinitModule(int(file.Fd()), m.options[name], unix.MODULE_INIT_COMPRESSED_FILE)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

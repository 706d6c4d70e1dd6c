package ramdisk

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// modules chooses from a kernel's modules those that the lines of a hardware
// table name, and all that they depend on. The result is in the order of names.
func modules(all []file, lines, absent []string) ([]module, error) {
	c := chooser{files: map[string]file{}, chosen: map[string]module{}}
	for _, f := range all {
		c.files[moduleName(f.path)] = f
	}
	var unknown []string
	for _, line := range lines {
		found, err := c.line(line)
		if err != nil {
			return nil, err
		}
		if !found && !slices.Contains(absent, line) {
			unknown = append(unknown, line)
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("choose modules: this kernel has no %s; correct hardware.go", strings.Join(unknown, ", "))
	}
	return slices.SortedFunc(maps.Values(c.chosen), func(a, b module) int { return strings.Compare(a.name, b.name) }), nil
}

type chooser struct {
	files  map[string]file
	chosen map[string]module
}

// line takes one module, or with a slash at its end a folder's.
func (c chooser) line(line string) (found bool, err error) {
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		_, below, _ := strings.Cut(c.files[name].path, "/kernel/")
		if strings.TrimSuffix(below, ending) != line && !(strings.HasSuffix(line, "/") && strings.HasPrefix(below, line)) {
			continue
		}
		found = true
		if err := c.take(name); err != nil {
			return true, err
		}
	}
	return found, nil
}

// take chooses a module and what it depends on. What a module merely wishes
// for comes too where it is a module: "crc32c" may as well be an alias.
func (c chooser) take(name string) error {
	if _, done := c.chosen[name]; done {
		return nil
	}
	f, ok := c.files[name]
	if !ok {
		return fmt.Errorf("choose modules: %s is needed, and the kernel's package has no such module", name)
	}
	m, err := readModule(f)
	if err != nil {
		return err
	}
	c.chosen[name] = m
	for _, need := range m.needs {
		if err := c.take(strings.ReplaceAll(need, "-", "_")); err != nil {
			return fmt.Errorf("%w (%s depends on it)", err, name)
		}
	}
	for _, wish := range m.wishes {
		if _, exists := c.files[wish]; exists {
			if err := c.take(wish); err != nil {
				return err
			}
		}
	}
	return nil
}

// indexes are the files by which modules are found once they run, in the form
// of depmod(8), which other programs know too.
func indexes(folder string, chosen []module) []file {
	var deps, aliases, soft strings.Builder
	paths := map[string]string{}
	for _, m := range chosen {
		paths[m.name] = strings.TrimPrefix(m.path, folder+"/")
	}
	for _, m := range chosen {
		fmt.Fprintf(&deps, "%s:", paths[m.name])
		for _, need := range m.needs {
			fmt.Fprintf(&deps, " %s", paths[strings.ReplaceAll(need, "-", "_")])
		}
		deps.WriteString("\n")
		for _, alias := range m.aliases {
			fmt.Fprintf(&aliases, "alias %s %s\n", alias, m.name)
		}
		if len(m.wishes) > 0 {
			fmt.Fprintf(&soft, "softdep %s pre: %s\n", m.name, strings.Join(m.wishes, " "))
		}
	}
	return []file{
		{path: path.Join(folder, "modules.dep"), mode: 0o644, body: []byte(deps.String())},
		{path: path.Join(folder, "modules.alias"), mode: 0o644, body: []byte(aliases.String())},
		{path: path.Join(folder, "modules.softdep"), mode: 0o644, body: []byte(soft.String())},
	}
}

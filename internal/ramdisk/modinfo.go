package ramdisk

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/ulikunitz/xz"
)

// module is a kernel module as its package has it, and what its own words
// (the section .modinfo) say it needs and drives.
type module struct {
	file
	name    string   // as the kernel writes it: with underscores
	needs   []string // modules that must be there first
	wishes  []string // modules or aliases that should be there first, where they exist
	aliases []string // patterns of what it drives or implements
}

// ending is how Debian's module files end. The kernel decompresses them by
// itself, so they stay as they are: a machine uncompresses the few dozen that
// it needs, and not all of them before it starts.
const ending = ".ko.xz"

// moduleName is a module's name by its file's.
func moduleName(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path.Base(file), ending), "-", "_")
}

func readModule(f file) (module, error) {
	words, err := modinfo(f.body)
	if err != nil {
		return module{}, fmt.Errorf("read the module %s: %w", f.path, err)
	}
	m := module{file: f, name: moduleName(f.path)}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "depends":
			m.needs = names(value, ",")
		case "alias":
			m.aliases = append(m.aliases, value)
		case "softdep":
			m.wishes = append(m.wishes, before(value)...)
		}
	}
	return m, nil
}

// modinfo is the strings "key=value" of a compressed module.
func modinfo(compressed []byte) ([]string, error) {
	plain, err := xz.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	object, err := io.ReadAll(plain)
	if err != nil {
		return nil, err
	}
	parsed, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	section := parsed.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no section .modinfo")
	}
	data, err := section.Data()
	if err != nil {
		return nil, err
	}
	return names(string(data), "\x00"), nil
}

// before is what a softdep line, "pre: a b post: c", wants loaded before.
func before(softdep string) []string {
	var wanted []string
	pre := false
	for _, word := range strings.Fields(softdep) {
		if strings.HasSuffix(word, ":") {
			pre = word == "pre:"
		} else if pre {
			wanted = append(wanted, strings.ReplaceAll(word, "-", "_"))
		}
	}
	return wanted
}

func names(text, separator string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return string(r) == separator })
}

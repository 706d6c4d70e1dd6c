package ramdisk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The files that Build writes. The first two have the names under which the
// boot service hands them out.
const (
	Kernel  = "vmlinuz"
	Initrd  = "initrd.img"
	Version = "version"         // one line; it tells what a machine runs from what it would boot
	Tools   = "burn-in.tar.zst" // programs that a machine loads before it is tested under load
)

// Where the version, and the SHA-256 of the tools once they are unpacked, stand
// inside.
const (
	versionFile = "etc/millwright-version"
	toolsFile   = "etc/millwright-tools"
)

// Input is what boot files are made of.
type Input struct {
	Arch  string // as Go and Debian write it: amd64 or arm64
	Init  string // the program to start: a static binary for that architecture
	Cache string // a folder for packages, kept from build to build
	Into  string // the folder for the results
}

// Build writes the kernel, the initrd, their version and the tools. Packages that the
// cache holds are not asked for again.
func Build(ctx context.Context, in Input) error {
	kernel, ok := kernels[in.Arch]
	if !ok {
		return fmt.Errorf("build boot files: no kernel is known for %q; amd64 and arm64 are", in.Arch)
	}
	init, err := os.ReadFile(in.Init)
	if err != nil {
		return fmt.Errorf("build boot files: %w", err)
	}
	debs, err := gather(ctx, filepath.Join(in.Cache, in.Arch), in.Arch, kernel)
	if err != nil {
		return err
	}
	image, t, tools, err := assemble(ctx, debs, in.Arch)
	if err != nil {
		return err
	}
	t["init"] = file{path: "init", mode: 0o755, body: init}
	sum := sha256.New()
	if err := bundle(sum, tools); err != nil {
		return err
	}
	t[toolsFile] = file{path: toolsFile, mode: 0o644, body: fmt.Appendf(nil, "%x\n", sum.Sum(nil))}
	version := t.version(image)
	t[versionFile] = file{path: versionFile, mode: 0o644, body: []byte(version + "\n")}
	return write(in.Into, image, t, tools, version)
}

// debs are package files: of the kernel, and of programs.
type debs struct {
	kernel   string
	programs []string
}

// gather sees that all packages are in the cache.
func gather(ctx context.Context, cache, arch, metapackage string) (debs, error) {
	held, done, err := openShelf(cache, arch)
	if err != nil {
		return debs{}, err
	}
	defer done()
	names := slices.DeleteFunc(slices.Concat(packages, burnInPackages), func(name string) bool {
		return slices.Contains(notBuilt[arch], name)
	})
	if err := held.need(ctx, append([]string{metapackage}, names...)...); err != nil {
		return debs{}, err
	}
	depends, err := field(ctx, held.held[metapackage], "Depends")
	if err != nil {
		return debs{}, err
	}
	kernel, _, _ := strings.Cut(depends, " ")
	if err := held.need(ctx, kernel); err != nil {
		return debs{}, err
	}
	found := debs{kernel: held.held[kernel]}
	for _, name := range names {
		found.programs = append(found.programs, held.held[name])
	}
	return found, nil
}

// assemble is the kernel's image, all that is in the initrd but the agent, and
// the tools.
func assemble(ctx context.Context, from debs, arch string) (image []byte, t, tools tree, err error) {
	kernel, err := unpack(ctx, from.kernel, func(name string) bool {
		return strings.HasPrefix(name, "boot/vmlinuz") || strings.HasSuffix(name, ending) || path.Base(name) == "modules.builtin"
	})
	if err != nil {
		return nil, nil, nil, err
	}
	t, tools, err = foreign(ctx, from.programs)
	if err != nil {
		return nil, nil, nil, err
	}
	var all []file
	folder := ""
	for _, f := range kernel {
		switch {
		case strings.HasPrefix(f.path, "boot/"):
			image = f.body
		case strings.HasSuffix(f.path, ending):
			all = append(all, f)
		default:
			folder, t[f.path] = path.Dir(f.path), f
		}
	}
	if image == nil || folder == "" {
		return nil, nil, nil, fmt.Errorf("%s holds no kernel, or no modules", from.kernel)
	}
	chosen, err := modules(all, hardware, absent[arch])
	if err != nil {
		return nil, nil, nil, err
	}
	for _, m := range chosen {
		t[m.path] = m.file
	}
	for _, f := range indexes(folder, chosen) {
		t[f.path] = f
	}
	return image, t, tools, nil
}

// foreign is the programs that we did not write, and what they read; and those
// that test under load, with what only they need.
func foreign(ctx context.Context, debs []string) (t, tools tree, err error) {
	all := tree{}
	for _, deb := range debs {
		files, err := unpack(ctx, deb, func(string) bool { return true })
		if err != nil {
			return nil, nil, err
		}
		for _, f := range files {
			all[f.path] = f
		}
	}
	if t, err = all.withLibraries(append(slices.Clone(programs), companions...)); err != nil {
		return nil, nil, err
	}
	if tools, err = all.withLibraries(burnInPrograms); err != nil {
		return nil, nil, err
	}
	maps.DeleteFunc(tools, func(name string, _ file) bool { _, there := t[name]; return there })
	for from, to := range links {
		t[from] = file{path: from, link: to}
	}
	for _, f := range basics {
		t[f.path] = f
	}
	return t, tools, nil
}

// basics are the files without which programs guess who they are.
var basics = []file{
	{path: "etc/passwd", mode: 0o644, body: []byte("root:x:0:0:root:/root:/bin/sh\n")},
	{path: "etc/group", mode: 0o644, body: []byte("root:x:0:\ntty:x:5:\ndisk:x:6:\n")},
	{path: "etc/hosts", mode: 0o644, body: []byte("127.0.0.1 localhost\n::1 localhost\n")},
	{path: "etc/hostname", mode: 0o644, body: []byte("millwright\n")},
	{path: "root/.profile", mode: 0o644, body: []byte("export PATH=/usr/sbin:/usr/bin\n")},
}

// version follows from every byte that a machine would run.
func (t tree) version(kernel []byte) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(t)) {
		f := t[name]
		fmt.Fprintf(sum, "%s\x00%o\x00%s\x00%x\n", name, f.mode, f.link, sha256.Sum256(f.body))
	}
	sum.Write(kernel)
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// write puts the version last: a machine that meets a new version finds its
// files. Files that are the same already are left as they are.
func write(into string, kernel []byte, t, tools tree, version string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return fmt.Errorf("make the folder of boot files: %w", err)
	}
	at := filepath.Join(into, Version)
	if old, err := os.ReadFile(at); err == nil && string(old) == version+"\n" {
		return nil
	}
	var initrd, packed bytes.Buffer
	if err := archive(&initrd, t); err != nil {
		return err
	}
	if err := compressed(&packed, tools); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		body []byte
	}{{Kernel, kernel}, {Initrd, initrd.Bytes()}, {Tools, packed.Bytes()}, {Version, []byte(version + "\n")}} {
		if err := replace(filepath.Join(into, f.name), f.body); err != nil {
			return fmt.Errorf("write the boot file %s: %w", f.name, err)
		}
	}
	return nil
}

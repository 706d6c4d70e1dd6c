package rootfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// grubFolder is where GRUB's modules are; its folders are named by platform.
const grubFolder = "/usr/lib/grub"

// packages are Debian's names of what has what we run.
var packages = map[string]string{
	"mke2fs": "e2fsprogs", "debugfs": "e2fsprogs", "sfdisk": "fdisk", "mkfs.vfat": "dosfstools", "mmd": "mtools", "mcopy": "mtools",
	"grub-mkimage": "grub-common", grubFolder + "/i386-pc/boot.img": "grub-pc-bin", grubFolder + "/x86_64-efi/moddep.lst": "grub-efi-amd64-bin",
	"tar": "tar", "fakeroot": "fakeroot",
}

// tools are where the programs are.
type tools struct{ path map[string]string }

// findTools names everything that is missing at once.
func findTools(unpack bool) (tools, error) {
	t := tools{map[string]string{}}
	var missing []string
	for name, from := range packages {
		if name == "tar" && !unpack || name == "fakeroot" && (!unpack || os.Geteuid() == 0) {
			continue
		}
		path := find(name)
		if path == "" {
			missing = append(missing, from)
		}
		t.path[name] = path
	}
	if len(missing) > 0 {
		return t, fmt.Errorf("programs are missing; apt-get install %s", strings.Join(unique(missing), " "))
	}
	return t, nil
}

// find looks into sbin too, which is in nobody's path but root's.
func find(name string) string {
	for _, folder := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin", "/") {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// run runs a program. When there is only stdout of it, it is given; what went
// wrong is on stderr, and is part of the error.
func (t tools) run(ctx context.Context, stdin io.Reader, env []string, name string, args ...string) (warnings string, err error) {
	cmd := exec.CommandContext(ctx, t.path[name], args...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, io.Discard, &said
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "LC_ALL=C", "TZ=UTC"}, env...)
	err = cmd.Run()
	text := strings.TrimSpace(said.String())
	if err != nil {
		err = errors.Join(fmt.Errorf("%s: %w: %s", name, err, last(text)), context.Cause(ctx))
	}
	return text, err
}

// last is the end of a long complaint.
func last(text string) string {
	const enough = 1000
	if len(text) > enough {
		return "… " + text[len(text)-enough:]
	}
	return text
}

package rack

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"millwright/internal/image"
	"millwright/internal/image/rootfs"
	"millwright/internal/metal"
)

// images are two systems that a tenant could be offered, in a store that boot
// serves: Debian as its packages make it, and the same with another mark, so
// that a reinstall can be told from what was there.
type images struct {
	Folder string        // the store
	First  metal.Image   // marked "first"
	Second metal.Image   // marked "second"
	Took   time.Duration `json:"-"` // to build; 0 where they were kept from an earlier time
}

// Mark is the file that tells the two systems apart.
const Mark = "/etc/millwright-image"

// packages are beside the essential ones: what boots, what is told who it is,
// and what lets a tenant in.
const packages = "systemd-sysv,udev,dbus,kmod,linux-image-cloud-amd64,initramfs-tools,zstd," +
	"cloud-init,cloud-guest-utils,netplan.io,iproute2,iputils-ping,openssh-server,ca-certificates,sudo,e2fsprogs,gdisk"

// recipe is what mmdebstrap is told beside the packages. Its files are those of
// an image for machines: no keys and no identity of its own, sources of
// cloud-init that there can be, keys that a slow machine makes quickly, and no
// locale to be made by a package that is not there.
var recipe = []string{
	"--variant=minbase", "--include=" + packages,
	`--aptopt=Acquire::Languages "none"`,
	"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
	`--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*`,
	`--customize-hook=printf 'datasource_list: [ NoCloud, None ]\nssh_genkeytypes: [ ed25519 ]\nlocale: false\n' >"$1"/etc/cloud/cloud.cfg.d/90-millwright.cfg`,
	`--customize-hook=chroot "$1" systemctl disable apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer`,
	`--customize-hook=chroot "$1" passwd --lock root`,
	"bookworm",
}

// kernelArguments say where the machines' serial line is, and that a kernel
// names itself there and is not chatty: each byte costs an emulator dearly.
const kernelArguments = "console=tty0 console=ttyS0,115200 loglevel=6"

// imageSize is the disk's size; cloud-init grows the root file system onto the
// rest of the machine's disk.
const imageSize = 2 << 30

// buildImages makes both images below cache, or finds them there: a folder for
// each recipe, complete once it has its list.
func buildImages(ctx context.Context, cache string, log *slog.Logger) (*images, error) {
	sum := sha256.Sum256([]byte(strings.Join(recipe, "\n") + kernelArguments + "1"))
	folder := filepath.Join(cache, fmt.Sprintf("debian-%x", sum[:6]))
	made := &images{Folder: folder}
	list, err := os.ReadFile(filepath.Join(folder, imageList))
	if err == nil {
		err = json.Unmarshal(list, made)
		made.Folder = folder // the cache may have been moved
		return made, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	began := time.Now()
	log.Info("building Debian from its packages into " + folder + ": a minute or two, once")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	if err := made.build(ctx); err != nil {
		return nil, fmt.Errorf("build the images of the rack: %w", err)
	}
	made.Took = time.Since(began)
	if list, err = json.Marshal(made); err != nil {
		return nil, err
	}
	return made, os.WriteFile(filepath.Join(folder, imageList), list, 0o644)
}

const imageList = "images.json"

// build makes one tree, and a disk of it with each mark.
func (i *images) build(ctx context.Context) (err error) {
	work, err := os.MkdirTemp(i.Folder, ".tree-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	tree := filepath.Join(work, "tree")
	if err := bootstrap(ctx, tree); err != nil {
		return err
	}
	store, err := image.OpenStore(i.Folder, 0)
	if err != nil {
		return err
	}
	for mark, into := range map[string]*metal.Image{"first": &i.First, "second": &i.Second} {
		if err := os.WriteFile(filepath.Join(tree, Mark), []byte(mark+"\n"), 0o644); err != nil {
			return err
		}
		disk := filepath.Join(work, mark+".img")
		if err := rootfs.Build(ctx, tree, disk, rootfs.Options{Size: imageSize, KernelArguments: kernelArguments}); err != nil {
			return err
		}
		id, err := store.Import(ctx, image.Origin{Path: disk})
		if err != nil {
			return err
		}
		*into = metal.Image{ID: id.String(), Size: imageSize}
	}
	return nil
}

// bootstrap installs the packages, verified by apt against Debian's keys.
func bootstrap(ctx context.Context, tree string) error {
	args := append([]string{"--quiet", "--format=directory", "--mode=root"}, recipe...)
	command := exec.CommandContext(ctx, "mmdebstrap", append(args, tree)...)
	words, err := command.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(words)), "\n")
		return fmt.Errorf("mmdebstrap (apt-get install mmdebstrap): %w: %s", err, strings.Join(lines[max(0, len(lines)-15):], "\n"))
	}
	return nil
}

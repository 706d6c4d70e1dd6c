package lab

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"millwright/internal/image"
	"millwright/internal/metal"
	"millwright/internal/netboot"
	"millwright/internal/sitefile"
)

// imageSize makes an install a matter of milliseconds, and a thousand
// installed machines a matter of 64 MB.
const imageSize = 64 << 10

// systems are what a generated site can install.
var systems = []metal.OperatingSystem{
	{ID: "debian_12", Name: "Debian 12 (bookworm)", Distro: "debian", Version: "12"},
	{ID: "ubuntu_24_04", Name: "Ubuntu 24.04 LTS", Distro: "ubuntu", Version: "24.04"},
	{ID: "centos_stream_9", Name: "CentOS Stream 9", Distro: "centos", Version: "9"},
	{ID: "flatcar", Name: "Flatcar Container Linux", Distro: "flatcar", Version: "stable"},
}

// Image is the disk image of a lab's operating system: bytes that follow from
// its name, are like no other's, and do not compress.
func Image(system metal.OperatingSystemID) []byte {
	disk := make([]byte, imageSize)
	seed := sha256.Sum256([]byte("millwright lab image " + system))
	_, _ = rand.NewChaCha8(seed).Read(disk) // cannot fail, by its documentation
	return disk
}

// described is a system as a site file describes it, with the ID that its
// image has in every store.
func described(system metal.OperatingSystem, plans []metal.PlanID) (sitefile.OperatingSystem, error) {
	dir, err := os.MkdirTemp("", "millwright-image-")
	if err != nil {
		return sitefile.OperatingSystem{}, fmt.Errorf("lab: make an image of %s: %w", system.ID, err)
	}
	defer os.RemoveAll(dir)
	id, err := importImage(dir, system.ID)
	system.Arch, system.FirstBoot = "x86_64", metal.Plain
	system.Image = metal.Image{ID: id.String(), Size: imageSize}
	return sitefile.OperatingSystem{OperatingSystem: system, Plans: plans}, err
}

// WriteImages puts every image of a generated site into a store, for boot to
// serve under /images/.
func WriteImages(dir string) error {
	for _, system := range systems {
		if _, err := importImage(dir, system.ID); err != nil {
			return err
		}
	}
	return nil
}

func importImage(dir string, system metal.OperatingSystemID) (id image.ID, err error) {
	raw := string(system) + ".img"
	if err := write(dir, raw, Image(system)); err != nil {
		return id, err
	}
	defer os.Remove(filepath.Join(dir, raw))
	store, err := image.OpenStore(dir, 0)
	if err == nil {
		id, err = store.Import(context.Background(), image.Origin{Path: filepath.Join(dir, raw)})
	}
	if err != nil {
		return id, fmt.Errorf("lab: image of %s: %w", system, err)
	}
	return id, nil
}

// WriteAgentFiles puts a kernel and an initrd in name only into a folder, for
// boot to serve under /agent-files/: simulated machines fetch them as iPXE does,
// and then run the agent's own code.
func WriteAgentFiles(dir string) error {
	for _, name := range []string{netboot.Kernel, netboot.Initrd} {
		if err := write(dir, name, []byte("This file stands for "+name+" in a lab without hardware.\n")); err != nil {
			return err
		}
	}
	return nil
}

func write(dir, name string, content []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lab: make folder %s: %w", dir, err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		return fmt.Errorf("lab: write %s: %w", name, err)
	}
	return nil
}

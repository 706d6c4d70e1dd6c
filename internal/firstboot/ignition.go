package firstboot

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"millwright/internal/metal"
)

// Where the two systems' initramfs look for a configuration, whichever
// platform they take themselves to be on.
//
// Fedora CoreOS copies ignition/config.ign of the file system labelled boot
// (fedora-coreos-config, 35coreos-ignition/coreos-ignition-setup-user.sh), which
// is also where coreos-installer writes it. The image's own ignition.firstboot
// beside it is what makes a boot the first.
//
// Flatcar copies config.ign of the file system labelled OEM (bootengine,
// 53ignition/ignition-setup.sh), which is also where flatcar-install -i writes
// it. That is a btrfs in its images. The older way, a grub.cfg there with a
// kernel argument, is not needed any more.
const (
	coreOSLabel  = "boot"
	coreOSPath   = "ignition/config.ign"
	flatcarLabel = "OEM"
	flatcarPath  = "config.ign"
)

// ignitionVersion is read by every Fedora CoreOS and Flatcar that is still
// maintained: Ignition 2.14, 2022.
const ignitionVersion = "3.3.0"

// ignition is as much of an Ignition configuration as we write.
type ignition struct {
	Ignition struct {
		Version string          `json:"version"`
		Config  *ignitionParent `json:"config,omitempty"`
	} `json:"ignition"`
	Passwd struct {
		Users []ignitionUser `json:"users,omitempty"`
	} `json:"passwd"`
	Storage struct {
		Files []ignitionFile `json:"files"`
	} `json:"storage"`
	Systemd struct {
		Units []ignitionUnit `json:"units"`
	} `json:"systemd"`
}

type ignitionParent struct {
	Merge []ignitionSource `json:"merge"`
}

type ignitionSource struct {
	Source string `json:"source"`
}

type ignitionUser struct {
	Name string   `json:"name"`
	Keys []string `json:"sshAuthorizedKeys"`
}

type ignitionFile struct {
	Path      string         `json:"path"`
	Mode      int            `json:"mode"`
	Overwrite bool           `json:"overwrite"`
	Contents  ignitionSource `json:"contents"`
}

type ignitionUnit struct {
	Name     string `json:"name"`
	Enabled  bool   `json:"enabled"`
	Contents string `json:"contents"`
}

// coreOS is for Fedora CoreOS, whose network is NetworkManager's.
func (s system) coreOS() ([]metal.File, error) {
	c := s.ignition()
	c.write("/etc/NetworkManager/system-connections/", s.network.keyfiles(), 0o600)
	return c.file(coreOSLabel, coreOSPath)
}

// flatcar is for Flatcar, whose network is systemd-networkd's.
func (s system) flatcar() ([]metal.File, error) {
	c := s.ignition()
	c.write("/etc/systemd/network/", s.network.networkd(), 0o644)
	return c.file(flatcarLabel, flatcarPath)
}

// ignition is what both have in common. The tenant's own configuration is
// merged into ours, and goes before it where both say the same thing: a file
// at a path, a unit of a name. The keys are the user core's, as both systems
// document it; root has none.
func (s system) ignition() *ignition {
	c := &ignition{}
	c.Ignition.Version = ignitionVersion
	if len(s.UserData) > 0 {
		c.Ignition.Config = &ignitionParent{Merge: []ignitionSource{data(s.UserData)}}
	}
	if len(s.SSHKeys) > 0 {
		c.Passwd.Users = []ignitionUser{{Name: "core", Keys: s.SSHKeys}}
	}
	c.write("/etc/", map[string]string{"hostname": s.Hostname + "\n"}, 0o644)
	c.write("", map[string]string{phoneHomePath: s.phoneHome(shell)}, 0o755)
	c.Systemd.Units = []ignitionUnit{{Name: phoneHomeName, Enabled: true, Contents: s.phoneHomeUnit(shell, "")}}
	if len(s.network.Loopback) > 0 {
		c.Systemd.Units = append(c.Systemd.Units, ignitionUnit{Name: loopbackName, Enabled: true, Contents: s.loopbackUnit()})
	}
	return c
}

// write adds files of a folder, in order of their names.
func (c *ignition) write(folder string, files map[string]string, mode int) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c.Storage.Files = append(c.Storage.Files, ignitionFile{
			Path: folder + name, Mode: mode, Overwrite: true, Contents: data([]byte(files[name])),
		})
	}
}

// file is the configuration in the partition where the system looks for it.
// Nobody but root may read it: user data has secrets in it.
func (c *ignition) file(label, path string) ([]metal.File, error) {
	body, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("ignition configuration: %w", err)
	}
	return []metal.File{{Partition: label, Path: path, Mode: 0o600, Body: append(body, '\n')}}, nil
}

func data(body []byte) ignitionSource {
	return ignitionSource{Source: "data:;base64," + base64.StdEncoding.EncodeToString(body)}
}

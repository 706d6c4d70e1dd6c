package ramdisk

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// apt is the distribution's package manager with a state, sources and cache of
// its own in a folder of ours. It needs no root and leaves the machine's alone.
type apt struct {
	dir     string // absolute
	arch    string
	sources string // lines of a sources.list
}

// newAPT writes apt's configuration. Nothing of /etc/apt counts but what names
// a proxy: a mirror that the machine knows may carry no other architecture.
func newAPT(dir, arch, sources string) (apt, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return apt{}, fmt.Errorf("find the folder %s: %w", dir, err)
	}
	a := apt{dir: dir, arch: arch, sources: sources}
	for _, folder := range []string{"lists/partial", "archives/partial", "none"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return apt{}, fmt.Errorf("make apt's folder: %w", err)
		}
	}
	for name, text := range map[string]string{"sources.list": sources, "status": "", "apt.conf": a.configuration()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return apt{}, fmt.Errorf("configure apt: %w", err)
		}
	}
	return a, nil
}

// configuration spells out that unsigned archives are refused, although it is
// apt's default: a machine's /etc/apt may say otherwise.
func (a apt) configuration() string {
	return fmt.Sprintf(`Dir::Etc::SourceList "%[1]s/sources.list";
Dir::Etc::SourceParts "%[1]s/none";
Dir::Etc::Preferences "%[1]s/none/preferences";
Dir::Etc::PreferencesParts "%[1]s/none";
Dir::State "%[1]s";
Dir::State::lists "%[1]s/lists";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s";
APT::Architecture "%[2]s";
#clear APT::Architectures;
APT::Architectures { "%[2]s"; };
APT::Sandbox::User "root";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::Check-Valid-Until "true";
Acquire::Languages "none";
Acquire::Retries "3";
`, a.dir, a.arch)
}

// update reads what the archives have. A signature that is missing or wrong is
// an error here, so nothing is downloaded by such a list.
func (a apt) update(ctx context.Context) error {
	return a.run(ctx, a.dir, "update", "--error-on=any")
}

// download puts packages into a folder, checked against the signed lists.
func (a apt) download(ctx context.Context, into string, names ...string) error {
	return a.run(ctx, into, append([]string{"download", "-qq"}, names...)...)
}

func (a apt) run(ctx context.Context, dir string, args ...string) error {
	// The file is given after all others are read: its word is the last.
	args = append([]string{"--config-file", filepath.Join(a.dir, "apt.conf")}, args...)
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	var said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s for %s: %w: %s", strings.Join(args[2:], " "), a.arch, err, complaint(said.String()))
	}
	return nil
}

// complaint is what apt has to say beside its progress.
func complaint(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "E: ") || strings.HasPrefix(line, "W: ") || strings.HasPrefix(line, "Err:") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "; ")
}

package deploy

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// answers are what an operator must say; compose refuses to start without.
var answers = map[string]string{
	"BUILD_ID": "1.4.0", "SITE": "lab1", "BOOT_ADDRESS": "127.64.0.67",
	"AGENT_FOLDER": "/srv/agent", "IMAGE_FOLDER": "/srv/images",
}

// load reads docker-compose.yml with the library that docker reads it with.
func load(ctx context.Context, env map[string]string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"},
		cli.WithEnv(pairs(env)), cli.WithProfiles([]string{"drain", "import"}), cli.WithResolvedPaths(true))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(ctx)
}

func pairs(env map[string]string) []string {
	var all []string
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

func project(t *testing.T) *types.Project {
	t.Helper()
	p, err := load(t.Context(), answers)
	require.NoError(t, err)
	return p
}

// oneShot are the services that do their work and end.
var oneShot = map[string]bool{"temporal-schema": true, "starter-migrate": true, "starter-import": true, "worker-current": true}

func TestComposeAsksForWhatOnlyTheOperatorKnows(t *testing.T) {
	t.Parallel()
	for name := range answers {
		some := map[string]string{}
		for other, value := range answers {
			if other != name {
				some[other] = value
			}
		}
		_, err := load(t.Context(), some)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "say ", "the question is a sentence")
	}
}

// pinned is a version of two numbers at least: "15" or "latest" is another
// program tomorrow.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+\.[0-9]+[a-z0-9.-]*$`)

func TestEveryImageIsPinned(t *testing.T) {
	t.Parallel()
	for name, s := range project(t).Services {
		if strings.HasSuffix(name, "-old") {
			require.Equal(t, "millwright/worker:none", s.Image, "an old build is named by OLD_BUILD_ID")
			continue
		}
		require.Regexp(t, pinned, s.Image, name)
	}
	file, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	stages := map[string]bool{"scratch": true}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatch(string(file), -1) {
		if !stages[from[1]] {
			require.Regexp(t, pinned, from[1])
		}
		stages[from[2]] = true
	}
	for name, s := range project(t).Services {
		if s.Build != nil {
			require.Contains(t, stages, s.Build.Target, name)
		}
	}
}

func TestNoPasswordStandsInTheOpen(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(?i)password|passwd|pwd|token|secret`)
	inURL := regexp.MustCompile(`://[^/\s:@]*:[^/\s@]+@`)
	for name, s := range project(t).Services {
		for key, value := range s.Environment {
			require.NotNil(t, value, "%s: %s would come from whoever starts it", name, key)
			require.NotRegexp(t, inURL, *value, "%s: %s", name, key)
			if secret.MatchString(key) {
				require.Regexp(t, `^/run/secrets/[a-z_]+$`, *value, "%s: %s", name, key)
				require.Contains(t, secretsOf(s), filepath.Base(*value), "%s: %s names a secret that it is not given", name, key)
			}
		}
	}
}

func secretsOf(s types.ServiceConfig) []string {
	var names []string
	for _, given := range s.Secrets {
		names = append(names, given.Source)
	}
	return names
}

func TestEverySecretIsAFileThatIsUsedAndThatDocsSayHowToMake(t *testing.T) {
	t.Parallel()
	p, used := project(t), map[string]bool{}
	for name, s := range p.Services {
		for _, secret := range secretsOf(s) {
			require.Contains(t, p.Secrets, secret, name)
			used[secret] = true
		}
	}
	docs, err := os.ReadFile("../docs/deploy.md")
	require.NoError(t, err)
	for name, secret := range p.Secrets {
		require.True(t, used[name], name)
		require.Equal(t, filepath.Join(p.WorkingDir, "secrets", name), secret.File)
		require.Contains(t, string(docs), name)
	}
	ignore, err := os.ReadFile("../secrets/.gitignore")
	require.NoError(t, err)
	require.Contains(t, string(ignore), "\n*\n", "git must not see what lies beside it")
}

func TestOnlyBootIsOpenToTheNetwork(t *testing.T) {
	t.Parallel()
	for name, s := range project(t).Services {
		for _, port := range s.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, name)
		}
		require.Equal(t, name == "boot", s.NetworkMode == "host", name)
		require.False(t, s.Privileged, name)
		require.Empty(t, s.SecurityOpt, "%s: no-new-privileges would take boot's ports, anything else its walls", name)
		if name == "boot" {
			require.Equal(t, []string{"NET_BIND_SERVICE"}, s.CapAdd)
			continue
		}
		require.Empty(t, s.CapAdd, name)
	}
}

func TestEveryServiceIsWatchedRestartedAndStartsAfterWhatItNeeds(t *testing.T) {
	t.Parallel()
	p := project(t)
	for name, s := range p.Services {
		if oneShot[name] {
			require.Contains(t, []string{"on-failure", "no"}, s.Restart, name)
		} else {
			require.Equal(t, "unless-stopped", s.Restart, name)
			require.NotNil(t, s.HealthCheck, name)
			require.NotEmpty(t, s.HealthCheck.Test, name)
		}
		for other, need := range s.DependsOn {
			want := types.ServiceConditionHealthy
			if oneShot[other] {
				want = types.ServiceConditionCompletedSuccessfully
			}
			require.Equal(t, want, need.Condition, "%s needs %s", name, other)
		}
	}
}

func TestEveryFileThatComposeNamesExists(t *testing.T) {
	t.Parallel()
	p := project(t)
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind || !strings.HasPrefix(v.Source, filepath.Join(p.WorkingDir, "deploy")) {
				continue // a volume, or the operator's own
			}
			require.True(t, v.ReadOnly, "%s writes to %s", name, v.Source)
			_, err := os.Stat(v.Source)
			require.NoError(t, err, name)
		}
		if s.Build != nil {
			_, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile))
			require.NoError(t, err, name)
		}
	}
}

// The build's context leaves out all but what is listed, and a folder that is
// missing there would only be noticed by whoever builds the image.
func TestTheImagesAreBuiltFromEveryFolderThatTheProgramsImport(t *testing.T) {
	t.Parallel()
	ignore, err := os.ReadFile("Dockerfile.dockerignore")
	require.NoError(t, err)
	imported := regexp.MustCompile(`"millwright/([a-z]+)`)
	for _, program := range []string{"agent", "boot", "starter", "worker", "activities", "workflows", "internal"} {
		require.Contains(t, string(ignore), "\n!"+program+"\n")
		require.NoError(t, filepath.WalkDir("../"+program, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range imported.FindAllStringSubmatch(string(text), -1) {
				if found[1] != "lab" {
					require.Contains(t, string(ignore), "\n!"+found[1]+"\n", path)
				}
			}
			return err
		}))
	}
}

package stack

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// ui is Temporal's web UI, where operators see and steer runs.
type ui struct {
	bin      string
	home     string
	frontend string
	port     int
}

// uiConfig has no news, which would come from outside, and no permission for
// other origins: a page of somebody else's must not steer the runs.
const uiConfig = `temporalGrpcAddress: %s
host: 127.0.0.1
port: %d
enableUi: true
defaultNamespace: millwright
disableNewsFetch: true
refreshInterval: 0s
cors:
  allowOrigins: ["http://127.0.0.1:%d", "http://localhost:%d"]
`

func (u *ui) configure() error {
	text := fmt.Sprintf(uiConfig, u.frontend, u.port, u.port, u.port)
	err := os.WriteFile(filepath.Join(u.home, "development.yaml"), []byte(text), 0o600)
	if err != nil {
		return fmt.Errorf("configure temporal-ui: %w", err)
	}
	return nil
}

func (u *ui) serve() *exec.Cmd {
	cmd := exec.Command(filepath.Join(u.bin, "temporal-ui"),
		"--root", u.home, "--config", ".", "--env", "development", "start")
	cmd.Dir = u.home
	return cmd
}

func (u *ui) url() string { return "http://" + address(u.port) }

func (u *ui) answers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url()+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask temporal-ui at %s: %s", u.url(), response.Status)
	}
	return nil
}

package stack

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"text/template"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

//go:embed temporal.yaml.tmpl
var serverConfig string

//go:embed dynamic.yaml
var dynamicConfig []byte

// server is what the Temporal server is to be told.
type server struct {
	bin      string // folder of the Temporal programs
	home     string // takes its configuration
	postgres *cluster
	database string // where it finds Postgres
	ports    []int  // gRPC of frontend, history, matching, worker; then their membership
}

// frontendService is the name under which the frontend tells its health.
const frontendService = "temporal.api.workflowservice.v1.WorkflowService"

// serverPorts is how many ports the server takes: two for each of its four services.
const serverPorts = 8

// configure writes what the server reads at its start.
func (s *server) configure() error {
	password, err := s.postgres.password()
	if err != nil {
		return fmt.Errorf("configure temporal: %w", err)
	}
	form, err := template.New("temporal.yaml").Parse(serverConfig)
	if err != nil {
		return fmt.Errorf("configure temporal: %w", err)
	}
	var out bytes.Buffer
	if err := form.Execute(&out, map[string]any{
		"Frontend": s.frontend(), "Services": s.services(), "Dynamic": filepath.Join(s.home, "dynamic.yaml"),
		"Postgres": s.database, "User": superuser, "Password": password,
		"Databases": map[string]string{"default": persistenceDatabase, "visibility": visibilityDatabase},
	}); err != nil {
		return fmt.Errorf("configure temporal: %w", err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(s.home, "temporal.yaml"), out.Bytes(), 0o600), // holds a password
		os.WriteFile(filepath.Join(s.home, "dynamic.yaml"), dynamicConfig, 0o600))
}

// eager are the settings by which a server sees new namespaces and search
// attributes at once.
var eager = regexp.MustCompile(`(?m)^system\.(namespaceCacheRefreshInterval|forceSearchAttributesCacheRefreshOnRead):.*\n`)

// settle takes them away: nearly every write of a run read two tables for them.
func (s *server) settle() error {
	return os.WriteFile(filepath.Join(s.home, "dynamic.yaml"), eager.ReplaceAll(dynamicConfig, nil), 0o600)
}

// service is one of the four that make a Temporal server, as its template
// wants it.
type service struct {
	Name             string
	GRPC, Membership int
}

func (s *server) services() []service {
	var all []service
	for i, name := range []string{"frontend", "history", "matching", "worker"} {
		all = append(all, service{name, s.ports[i], s.ports[i+4]})
	}
	return all
}

func (s *server) serve() *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, "temporal-server"),
		"--config-file", filepath.Join(s.home, "temporal.yaml"), "--allow-no-auth", "start")
	cmd.Dir = s.home
	// A server at work lives on some 50 MB, and spent a tenth of its time with
	// collecting garbage and another one with growing its goroutines' stacks.
	cmd.Env = append(os.Environ(), "GOGC=400", "GODEBUG=adaptivestackstart=1")
	return cmd
}

func (s *server) frontend() string { return address(s.ports[0]) }

// answers asks for a run that does not exist, in the namespace that every
// server has. "Not found" is the history service's answer, so frontend,
// membership, history and database all work. The health service says SERVING
// earlier; it is asked first, because whatever is asked too soon fills the log.
func (s *server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	// A new connection for each question: a used one waits a second after it
	// has been refused once.
	conn, err := grpc.NewClient(s.frontend(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	health, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: frontendService})
	if err != nil {
		return fmt.Errorf("ask temporal at %s for its health: %w", s.frontend(), err)
	}
	if health.Status != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("ask temporal at %s for its health: %s", s.frontend(), health.Status)
	}
	_, err = workflowservice.NewWorkflowServiceClient(conn).DescribeWorkflowExecution(ctx,
		&workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: "temporal-system",
			Execution: &common.WorkflowExecution{WorkflowId: "nobody"},
		})
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return fmt.Errorf("ask temporal at %s for a run: %w", s.frontend(), err)
}

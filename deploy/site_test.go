package deploy

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/sitefile"
	"millwright/internal/stack/pgtest"
	"millwright/internal/stack/temporaltest"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// site is the lab's, in a database and a namespace of this test, with our
// programs running on it but without switches and machines.
type site struct {
	store    *postgres.Store
	runs     client.Client
	machine  metal.BootMachine
	env      map[string]string // what all programs are told
	temporal temporal.Config

	credentials string // the worker's folder

	bootHTTP, bootDHCP string
	starter            string            // its API
	admin              map[string]string // job: where its metrics are
}

func startSite(t *testing.T) *site {
	t.Helper()
	text, err := os.ReadFile("../lab/site.yaml")
	require.NoError(t, err)
	described, err := sitefile.Parse(text, "site.yaml", nil)
	require.NoError(t, err)
	return startSiteOf(t, described, t.TempDir()) // no credential: the worker reaches nothing
}

// startSiteOf is for a site called lab1, to whose BMCs the worker has credentials.
func startSiteOf(t *testing.T, described *sitefile.Site, credentials string) *site {
	t.Helper()
	s := &site{credentials: credentials, temporal: temporal.Config{Address: temporaltest.Frontend(t), Namespace: "deploy-" + uuid.NewString()}}
	dsn := pgtest.Database(t, postgres.Migrate)
	s.fill(t, dsn, described)
	require.NoError(t, temporal.Register(t.Context(), s.temporal, temporal.Every{Reconcile: time.Hour, Switches: time.Hour, Patrol: time.Hour}))
	var err error
	s.runs, err = temporal.Dial(t.Context(), s.temporal)
	require.NoError(t, err)
	t.Cleanup(s.runs.Close)
	s.env = map[string]string{
		"MILLWRIGHT_POSTGRES": dsn, "MILLWRIGHT_TEMPORAL_ADDRESS": s.temporal.Address,
		"MILLWRIGHT_TEMPORAL_NAMESPACE": s.temporal.Namespace,
		"PATH":                          os.Getenv("PATH"), // of ipmitool
	}
	s.startPrograms(t)
	return s
}

// fill imports the site.
func (s *site) fill(t *testing.T, dsn string, described *sitefile.Site) {
	t.Helper()
	var err error
	s.store, err = postgres.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(s.store.Close)
	_, err = s.store.ImportSite(t.Context(), described)
	require.NoError(t, err)
	machines, err := s.store.BootMachines(t.Context(), described.ID)
	require.NoError(t, err)
	require.NotEmpty(t, machines)
	s.machine = machines[0]
}

// buildID is that of the workers: they are versioned, as in production.
const buildID = "1.4.0"

func (s *site) startPrograms(t *testing.T) {
	t.Helper()
	empty := t.TempDir() // no image: none is asked for here
	token := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(token, []byte("a-token-of-this-test\n"), 0o600))
	s.bootHTTP, s.bootDHCP, s.starter = free(t), free(t), free(t)
	s.admin = map[string]string{"worker": free(t), "boot": free(t), "starter": free(t)}
	for job, args := range map[string][]string{
		"worker": {"--control", "--site=lab1", "--build-id=" + buildID, "--credentials=" + s.credentials},
		"boot": {"--site=lab1", "--address=127.0.0.1", "--url=http://" + s.bootHTTP,
			"--http-listen=" + s.bootHTTP, "--dhcp-listen=" + s.bootDHCP, "--tftp-listen=127.0.0.1:0",
			"--ipxe-folder=" + empty, "--agent-folder=" + empty, "--image-folder=" + empty, "--erasure-key=" + filepath.Join(empty, "erasure.pem")},
		"starter": {"serve", "--listen=" + s.starter, "--token-file=" + token},
	} {
		serve(t, s.env, s.admin[job], job, append(args, "--admin-listen="+s.admin[job])...)
	}
	s.makeCurrent(t)
}

// makeCurrent does what compose's worker-current does. It is refused until the
// server has heard of the version; then a repeat is no error, because
// each `up` of compose is one.
func (s *site) makeCurrent(t *testing.T) {
	t.Helper()
	deployment := s.runs.WorkerDeploymentClient().GetHandle("millwright")
	current := func() error {
		_, err := deployment.SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: buildID})
		return err
	}
	require.Eventually(t, func() bool { return current() == nil }, patience, 200*time.Millisecond)
	require.NoError(t, current())
}

// stir makes something happen of each kind that is counted: a metric with
// labels is not exported before its first event. The order goes as far as the
// first port, for which there is no credential.
func (s *site) stir(t *testing.T) {
	t.Helper()
	s.start(t, workflows.OrderRun("stir"), "Order", metal.OrderInput{
		Action: metal.ActionProvision, Project: "acme", Site: "lab1", Plan: "c1.small", OperatingSystem: "debian_12",
	})
	s.start(t, "unheard-of", "Unheard") // a run whose code no worker has

	dhcp, err := net.Dial("udp", s.bootDHCP)
	require.NoError(t, err)
	defer func() { _ = dhcp.Close() }()
	_, err = dhcp.Write([]byte("no DHCP"))
	require.NoError(t, err)

	s.ask(t, "GET", "http://"+s.bootHTTP+"/boot.ipxe", "")
	s.ask(t, "POST", "http://"+s.bootHTTP+"/phone-home?boot=99999", "")
	s.ask(t, "POST", "http://"+s.bootHTTP+"/events", `{"state": "running"}`)
	s.ask(t, "GET", "http://"+s.starter+"/v1/devices", "")
}

func (s *site) start(t *testing.T, id, kind string, input ...any) {
	t.Helper()
	_, err := s.runs.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: workflows.ControlQueue}, kind, input...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.runs.TerminateWorkflow(context.Background(), id, "", "the test is over") }) // it may be over, too
}

// ask speaks as the machine: from the address of its install link.
func (s *site) ask(t *testing.T, method, url, body string) {
	t.Helper()
	from := &net.TCPAddr{IP: s.machine.Addresses[0].AsSlice()}
	machine := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: from}).DialContext, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	res, err := machine.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
}

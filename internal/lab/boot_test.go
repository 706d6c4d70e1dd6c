package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/dhcp"
	"millwright/internal/image"
	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/netboot"
)

// fakeBoot is a boot service without a store: what each machine should boot
// and do is set by the test, and what it says is kept.
type fakeBoot struct {
	url    string
	images http.Handler

	mu       sync.Mutex
	machines map[metal.MachineID]metal.BootMachine
	jobs     map[metal.MachineID]metal.AgentJob
	tokens   map[string]metal.MachineID // of current boots
	reports  []metal.Report
	hardware map[metal.MachineID]json.RawMessage // as it was last said
	burnIns  []metal.BurnInResult                // of the last proof
	refused  int                                 // requests with a token of nobody
	deaf     bool
	dhcp     []dhcp.Answer
}

// startBoot serves DHCP and HTTP at a boot address, on ports of its own.
func startBoot(t *testing.T, at netip.Addr) (*fakeBoot, int) {
	folder := t.TempDir()
	require.NoError(t, lab.WriteImages(folder))
	images, err := image.OpenStore(folder, 0)
	require.NoError(t, err)
	b := &fakeBoot{
		images:   image.Handler(images, nil, slog.New(slog.DiscardHandler)),
		machines: map[metal.MachineID]metal.BootMachine{},
		jobs:     map[metal.MachineID]metal.AgentJob{},
		tokens:   map[string]metal.MachineID{},
		hardware: map[metal.MachineID]json.RawMessage{},
	}
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(at, 0).String())
	require.NoError(t, err)
	b.url = "http://" + listener.Addr().String()
	server := &http.Server{Handler: b.routes(), ReadHeaderTimeout: time.Minute}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })

	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	answers := dhcp.Server{Site: dhcp.Site{Address: at, URL: b.url, Lease: time.Hour}, Machines: b, Heard: b.heard}
	done := make(chan error, 1)
	go func() { done <- answers.Serve(ctx, conn) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-done) })
	return b, conn.LocalAddr().(*net.UDPAddr).Port
}

func (b *fakeBoot) heard(a dhcp.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dhcp = append(b.dhcp, a)
}

// asked is how many DHCP messages came.
func (b *fakeBoot) asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.dhcp)
}

// refusals is how often a token was of no use.
func (b *fakeBoot) refusals() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}

// hear ends or begins a time in which phone-homes are answered with 503.
func (b *fakeBoot) hear(hears bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deaf = !hears
}

// machine is what boot knows of one.
func (b *fakeBoot) machine(id metal.MachineID) metal.BootMachine {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.machines[id]
}

// ByPort, ByMAC and ByAddress are what DHCP asks.
func (b *fakeBoot) ByPort(port metal.Port) (metal.BootMachine, bool) {
	return b.find(func(m metal.BootMachine) bool { return m.Port == port })
}

func (b *fakeBoot) ByMAC(mac string) (metal.BootMachine, bool) {
	return b.find(func(m metal.BootMachine) bool { return slices.Contains(m.MACs, mac) })
}

func (b *fakeBoot) ByAddress(a netip.Addr) (metal.BootMachine, bool) {
	return b.find(func(m metal.BootMachine) bool { return m.Install.Machine() == a })
}

func (b *fakeBoot) find(is func(metal.BootMachine) bool) (metal.BootMachine, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.machines {
		if is(m) {
			return m, true
		}
	}
	return metal.BootMachine{}, false
}

// caller is the machine that a request comes from, by its source address.
func (b *fakeBoot) caller(r *http.Request) metal.BootMachine {
	from := netip.MustParseAddrPort(r.RemoteAddr).Addr()
	m, _ := b.ByAddress(from)
	return m
}

func (b *fakeBoot) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /boot.ipxe", b.script)
	mux.HandleFunc("GET /agent-files/{file}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "boot me") })
	mux.Handle("GET /images/", http.StripPrefix("/images", b.images))
	mux.HandleFunc("POST /agent/up", func(w http.ResponseWriter, r *http.Request) {
		var up agent.Up
		json.NewDecoder(r.Body).Decode(&up)
		b.report(w, r, agent.Report{Kind: metal.AgentUp}, up.Hardware)
	})
	mux.HandleFunc("POST /agent/report", func(w http.ResponseWriter, r *http.Request) {
		var said agent.Report
		json.NewDecoder(r.Body).Decode(&said)
		b.report(w, r, said, nil)
	})
	mux.HandleFunc("GET /agent/job", b.job)
	mux.HandleFunc("POST /phone-home", b.phoneHome)
	return mux
}

func (b *fakeBoot) script(w http.ResponseWriter, r *http.Request) {
	m := b.caller(r)
	if m.ID == "" {
		http.NotFound(w, r)
		return
	}
	if !m.Intent.Agent {
		fmt.Fprint(w, netboot.Disk(m.Firmware, m.ID))
		return
	}
	token := fmt.Sprintf("token-%s-%d", m.ID, m.Intent.Number)
	b.mu.Lock()
	b.tokens[token] = m.ID
	b.mu.Unlock()
	fmt.Fprint(w, netboot.Agent{URL: b.url, From: b.url, Machine: m.ID, Boot: m.Intent.Number, Token: token}.Script())
}

// owner is the machine whose token of this boot a request shows.
func (b *fakeBoot) owner(w http.ResponseWriter, r *http.Request) (metal.MachineID, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	id, known := b.tokens[token]
	if !known || token != fmt.Sprintf("token-%s-%d", id, b.machines[id].Intent.Number) {
		b.refused++
		w.WriteHeader(http.StatusGone)
		return "", false
	}
	return id, true
}

// report keeps the first of several words of a kind, and the last of hardware:
// an agent that has heard its neighbours says that it is up once more.
func (b *fakeBoot) report(w http.ResponseWriter, r *http.Request, said agent.Report, hardware json.RawMessage) {
	id, ok := b.owner(w, r)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	report := metal.Report{Machine: id, Boot: b.machines[id].Intent.Number, Kind: said.Kind, Detail: said.Detail}
	if said.Kind == metal.Proven {
		b.burnIns = said.BurnIn
	}
	if hardware != nil {
		b.hardware[id] = hardware
	}
	if said.Kind != metal.AgentUp || !slices.Contains(b.reports, report) {
		b.reports = append(b.reports, report)
	}
}

func (b *fakeBoot) job(w http.ResponseWriter, r *http.Request) {
	id, ok := b.owner(w, r)
	if !ok {
		return
	}
	b.mu.Lock()
	job := b.wire(b.jobs[id], b.machines[id].Intent.Number)
	b.mu.Unlock()
	if job.Job == "" {
		job.Job = metal.JobWait
	}
	if job.Job == metal.JobWait || string(job.Job) == r.URL.Query().Get(agent.QueryHave) {
		hold, _ := time.ParseDuration(r.URL.Query().Get(agent.QueryWait))
		select {
		case <-time.After(hold):
		case <-r.Context().Done():
		}
	}
	json.NewEncoder(w).Encode(job)
}

// wire is a job as agents read it.
func (b *fakeBoot) wire(j metal.AgentJob, boot metal.BootNumber) agent.Job {
	job := agent.Job{Job: j.Job, Kexec: j.Kexec, Erase: j.Erase}
	switch j.Job {
	case metal.JobProve:
		job.BurnIn = &metal.BurnIn{CPU: time.Minute, Memory: time.Minute, Disks: time.Minute, Network: time.Minute}
	case metal.JobInstall:
		job.Install = &agent.Install{Image: j.Image.ID, Size: j.Image.Size, FirstBoot: metal.FirstBoot{
			Hostname: "web1", PhoneHomeURL: fmt.Sprintf("%s/phone-home?boot=%d", b.url, boot),
		}}
	case metal.JobRescue:
		job.Rescue = &metal.Rescue{Hostname: "web1"}
	}
	return job
}

func (b *fakeBoot) phoneHome(w http.ResponseWriter, r *http.Request) {
	m := b.caller(r)
	boot, _ := strconv.ParseInt(r.URL.Query().Get("boot"), 10, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deaf {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	b.reports = append(b.reports, metal.Report{Machine: m.ID, Boot: metal.BootNumber(boot), Kind: metal.PhoneHome})
	if m.ID == "" || metal.BootNumber(boot) != m.Intent.Number {
		w.WriteHeader(http.StatusGone)
	}
}

// intend raises a machine's boot number, and says what it is to boot and do.
func (b *fakeBoot) intend(id metal.MachineID, agent bool, job metal.AgentJob) metal.BootNumber {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.machines[id]
	m.Intent = metal.BootIntent{Number: m.Intent.Number + 1, Agent: agent}
	b.machines[id], b.jobs[id] = m, job
	return m.Intent.Number
}

// told changes what the running agent is to do, and what is booted after it.
func (b *fakeBoot) told(id metal.MachineID, job metal.AgentJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.machines[id]
	m.Intent.Agent = job.Job != metal.JobLeave
	b.machines[id], b.jobs[id] = m, job
}

// heardOf lists what a machine said of a boot.
func (b *fakeBoot) heardOf(id metal.MachineID, boot metal.BootNumber) (kinds []metal.ReportKind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.reports {
		if r.Machine == id && r.Boot == boot {
			kinds = append(kinds, r.Kind)
		}
	}
	return kinds
}

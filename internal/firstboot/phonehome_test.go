package firstboot

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// desk is a boot service that gives one answer after another, and the last one
// from then on; 0 hangs up.
type desk struct {
	mu      sync.Mutex
	answers []int
	asked   []string
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	code := d.answers[0]
	if len(d.answers) > 1 {
		d.answers = d.answers[1:]
	}
	d.asked = append(d.asked, r.Method+" "+r.URL.String()+" "+string(body))
	if code == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(code)
}

func TestASystemPhonesHomeUntilItHasBeenHeard(t *testing.T) {
	t.Parallel()
	for _, by := range []interpreter{python, shell} {
		for name, answers := range map[string][]int{"heard": {0, 503, 200}, "nobody waits": {410}} {
			t.Run(name+" "+string(by), func(t *testing.T) {
				t.Parallel()
				d := &desk{answers: answers}
				want := len(answers)
				server := httptest.NewServer(d)
				defer server.Close()
				s, err := newSystem(single(), Options{URL: server.URL})
				require.NoError(t, err)
				folder := t.TempDir()
				program := write(t, filepath.Join(folder, "phone-home"), []byte(s.phoneHome(by)))
				mark := filepath.Join(folder, "lib", "millwright", "phoned-home-12")
				run(t, nil, "env", "http_proxy=http://127.0.0.1:1", string(by), program, mark)
				require.FileExists(t, mark)
				require.Len(t, d.asked, want)
				for _, asked := range d.asked {
					require.Equal(t, "POST /phone-home?boot=12 ", asked)
				}
			})
		}
	}
}

// TestSystemdTakesOurUnits has it read what is written, with its own idea of
// what is wrong with a unit.
func TestSystemdTakesOurUnits(t *testing.T) {
	t.Parallel()
	_, files := configured(t, independent(), metal.Flatcar)
	folder := t.TempDir()
	for _, name := range []string{phoneHomeName, loopbackName} {
		unit := write(t, filepath.Join(folder, name), []byte(files[name]))
		run(t, nil, "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
	}
}

// TestTheBootHookLeavesUnitsThatAreEnabled runs it in a mount namespace where
// /etc is empty, and systemctl a program that notes what it is told.
func TestTheBootHookLeavesUnitsThatAreEnabled(t *testing.T) {
	t.Parallel()
	h := hear(t, rendered(t, independent(), metal.CloudInit))
	hook := strings.TrimPrefix(h.VendorParts[1].Text, "#cloud-boothook\n")
	folder := t.TempDir()
	write(t, filepath.Join(folder, "hook"), []byte(hook))
	write(t, filepath.Join(folder, "systemctl"), []byte("#!/bin/sh\necho \"$@\" >>"+folder+"/told\n"))
	require.NoError(t, os.Chmod(filepath.Join(folder, "systemctl"), 0o700))
	args := []string{"--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user", "--user")
	}
	// Twice: a boot hook runs in each boot.
	run(t, nil, "unshare", append(args, "sh", "-ec",
		"mount -t tmpfs none /etc; PATH="+folder+":$PATH; sh "+folder+"/hook; sh "+folder+"/hook; cp -a /etc "+folder)...)

	program, err := os.ReadFile(filepath.Join(folder, phoneHomePath))
	require.NoError(t, err)
	s, err := newSystem(independent(), Options{URL: options.URL, Positions: onSecond})
	require.NoError(t, err)
	require.Equal(t, s.phoneHome(python), string(program))
	for name, want := range map[string]string{
		phoneHomeName: s.phoneHomeUnit(python, "cloud-final.service"), loopbackName: s.loopbackUnit(),
	} {
		unit, err := os.ReadFile(filepath.Join(folder, unitFolder, name))
		require.NoError(t, err)
		require.Equal(t, want, string(unit))
	}
	told, err := os.ReadFile(filepath.Join(folder, "told"))
	require.NoError(t, err)
	for _, want := range []string{"enable --quiet " + phoneHomeName, "start --no-block " + phoneHomeName, "enable --quiet " + loopbackName} {
		require.Equal(t, 2, strings.Count(string(told), want+"\n"), want)
	}
}

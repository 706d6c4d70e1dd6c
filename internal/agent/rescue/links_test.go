package rescue

import (
	"encoding/base64"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"millwright/internal/metal"
)

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// inNamespace runs a test's part where it is alone. Its thread is thrown away.
func inNamespace(t *testing.T, do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("a network namespace: %v", err)
			return
		}
		do()
	}()
	<-done
}

func ip(t *testing.T, args string) string {
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Errorf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

func lease(prefix string, role metal.Role) metal.Lease {
	return metal.Lease{Prefix: netip.MustParsePrefix(prefix), Role: role}
}

func TestTheDevicesLinksComeBesideTheLeaseAndGoWithoutATrace(t *testing.T) {
	t.Parallel()
	inNamespace(t, func() {
		for _, args := range []string{
			"link set lo up", "link add up0 type veth peer name sw0", "link set up0 up", "link set sw0 up",
			"address add 100.64.0.15/31 dev up0", "route add default via 100.64.0.14 dev up0",
		} {
			ip(t, args)
		}
		before := ip(t, "-4 route show table all") + ip(t, "-4 address") + ip(t, "-6 address show dev lo")
		boot := netip.MustParseAddr("192.0.2.53")
		undo, err := Links(boot, []metal.Lease{
			lease("198.51.100.6/31", metal.Public), lease("10.3.0.8/31", metal.Private), lease("2001:db8::4/127", metal.Public),
		})
		if err != nil {
			t.Errorf("links: %v", err)
			return
		}
		for to, want := range map[string]string{
			boot.String():  "via 100.64.0.14 dev up0 src 100.64.0.15",
			"203.0.113.9":  "via 198.51.100.6 dev up0 src 198.51.100.7",
			"10.9.9.9":     "via 10.3.0.8 dev up0 src 10.3.0.9",
			"2600::1":      "via 2001:db8::4 dev up0 src 2001:db8::5",
			"198.51.100.7": "local 198.51.100.7",
			"100.64.0.14":  "dev up0 src 100.64.0.15",
		} {
			if got := ip(t, "route get "+to); !strings.Contains(got, want) {
				t.Errorf("the way to %s is %q, want %q", to, got, want)
			}
		}
		undo()
		if after := ip(t, "-4 route show table all") + ip(t, "-4 address") + ip(t, "-6 address show dev lo"); withoutTimes(after) != withoutTimes(before) {
			t.Errorf("something is left: %s, was %s", after, before)
		}
	})
}

// withoutTimes cuts nothing but what the kernel counts down.
func withoutTimes(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "valid_lft")
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestABootServiceThatCannotBeReachedIsNamed(t *testing.T) {
	t.Parallel()
	inNamespace(t, func() {
		_, err := Links(netip.MustParseAddr("192.0.2.53"), nil)
		if err == nil || !strings.Contains(err.Error(), "boot service at 192.0.2.53") {
			t.Errorf("got %v", err)
		}
	})
}

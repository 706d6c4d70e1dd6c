package metal_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAHostNameIsKeptInLowerCaseWithoutAFinalDot(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("a", 61)
	for name, want := range map[string]string{
		"Web-1":                   "web-1",
		"web1.Example.NET.":       "web1.example.net",
		"3com":                    "3com",
		"42":                      "42",
		"xn--bcher-kva.example":   "xn--bcher-kva.example",
		"a.b.c.d.e":               "a.b.c.d.e",
		"1.2.3.example":           "1.2.3.example",
		strings.Repeat("a", 63):   strings.Repeat("a", 63),
		long:                      long,
		"a.1e100.net":             "a.1e100.net",
		"under-way--r3.example.x": "under-way--r3.example.x",
	} {
		got, err := metal.HostName(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestABadHostNameSaysWhichLabelIsWrong(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                        `label 1, "", is empty`,
		"web..example":            `label 2, "", is empty`,
		".example":                `label 1, "", is empty`,
		"*.example.net":           `label 1, "*", is a wildcard`,
		"web.a*b.net":             `label 2, "a*b", is a wildcard`,
		"_dmarc.example.net":      `label 1, "_dmarc", has '_'`,
		"bücher.example":          `label 1, "bücher", has 'ü': write it as punycode`,
		"\u212aelvin":             "has '\u212a': write it as punycode",
		"web.-a.net":              `label 2, "-a", begins or ends with a hyphen`,
		"web-.net":                `label 1, "web-", begins or ends with a hyphen`,
		"a b":                     `label 1, "a b", has ' '`,
		"a\x00b":                  `has '\x00'`,
		"10.0.0.1":                `label 4, "1", is a number`,
		strings.Repeat("a", 64):   "is longer than 63",
		strings.Repeat("a.", 128): "name of 255 characters",
	} {
		_, err := metal.HostName(name)
		require.ErrorIs(t, err, metal.ErrInvalidName)
		require.ErrorContains(t, err, want)
	}
}

func TestAFullNameHasADomain(t *testing.T) {
	t.Parallel()
	_, err := metal.FullName("localhost")
	require.ErrorIs(t, err, metal.ErrInvalidName)
	require.ErrorContains(t, err, "localhost.example.net")
	got, err := metal.FullName("Mail.Acme.example.")
	require.NoError(t, err)
	require.Equal(t, "mail.acme.example", got)
}

const device = metal.DeviceID("3f2a9c1b-7c1e-4f7e-9a55-0d6f6c3b2a10")

func TestADeviceHasASecondNameForWhenItsHostNameIsTaken(t *testing.T) {
	t.Parallel()
	names, err := metal.DeviceNames("Web1.corp.example", device, "acme", "lab1.example.net")
	require.NoError(t, err)
	require.Equal(t, []string{"web1.acme.lab1.example.net", "web1-3f2a9c1b.acme.lab1.example.net"}, names)

	names, err = metal.DeviceNames(strings.Repeat("a", 53)+"--b-----c", device, "acme", "lab1.example.net")
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("a", 53)+"-3f2a9c1b.acme.lab1.example.net", names[1], "a label of 63 at most, cut before its hyphens")
}

func TestNoTenantCanTakeANameOfAnothers(t *testing.T) {
	t.Parallel()
	for _, project := range []metal.ProjectID{"a.b", "", "*", "-a", "ü"} {
		_, err := metal.DeviceNames("web1", device, project, "lab1.example.net")
		require.ErrorIs(t, err, metal.ErrInvalidName, project)
	}
	_, err := metal.DeviceNames("*", device, "acme", "lab1.example.net")
	require.ErrorIs(t, err, metal.ErrInvalidName)
	require.ErrorContains(t, err, "device 3f2a9c1b")
}

func TestEveryAddressHasAName(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"198.51.100.7":        "198-51-100-7.acme.lab1.example.net",
		"::ffff:198.51.100.7": "198-51-100-7.acme.lab1.example.net",
		"::1":                 "0000-0000-0000-0000-0000-0000-0000-0001.acme.lab1.example.net",
	} {
		got, err := metal.AddressName(netip.MustParseAddr(addr), "acme", "lab1.example.net")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// Whatever passes is a name that a name server takes as it stands: nothing in
// it means anything in a zone file, and it is what it is when read again.
func FuzzHostName(f *testing.F) {
	for _, seed := range []string{"web1", "Web1.Example.", "*.a", "xn--a-b", "a..b", "10.0.0.1", "\u212a", "a\\.b", "a b", strings.Repeat("a.", 130)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := metal.HostName(name)
		if err != nil {
			require.ErrorIs(t, err, metal.ErrInvalidName)
			require.Empty(t, got)
			return
		}
		require.True(t, strings.EqualFold(strings.TrimSuffix(name, "."), got))
		require.Len(t, got, len(strings.TrimSuffix(name, ".")), "EqualFold takes U+212A for a k")
		require.LessOrEqual(t, len(got), 253)
		for _, label := range strings.Split(got, ".") {
			require.Regexp(t, `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`, label)
		}
		again, err := metal.HostName(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

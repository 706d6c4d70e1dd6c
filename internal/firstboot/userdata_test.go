package firstboot

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// message is MIME as cloud-init devel make-mime writes it.
func message(kind, text string) string {
	return "Content-Type: multipart/mixed; boundary=\"=====b==\"\nMIME-Version: 1.0\nNumber-Attachments: 1\n\n--=====b==\n" +
		"Content-Type: " + kind + "; charset=\"us-ascii\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n" +
		base64.StdEncoding.EncodeToString([]byte(text)) + "\n--=====b==--\n"
}

func TestUserDataThatWouldWorkIsTaken(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"none": nil, "cloud-config": []byte("#cloud-config\npackages: [nginx]\n"), "comments": []byte("#cloud-config\n# later\n"),
		"blank behind": []byte("#cloud-config \r\npackages: [nginx]\n"), "archive": []byte("#cloud-config-archive\n- type: text/x-shellscript\n"),
		"script": []byte("#!/bin/bash\n"), "zipped": zipped(t, "#cloud-config\na: 1\n"), "ipxe": []byte("#!ipxe\nchain x\n"),
		"include": []byte("#include\nhttp://example.net/\n"), "boothook": []byte("#cloud-boothook\n#!/bin/sh\n"),
		"template": []byte("## template: jinja\n#cloud-config\na: {{ v1.region }}\n"),
		"mime":     []byte(message("text/cloud-config", "#cloud-config\na: 1\n")), "mime of scripts": []byte(message("text/x-shellscript", "#!/bin/sh\n")),
		"plain part": []byte(message("text/plain", "a note\n")), "zipped mime": zipped(t, message("text/cloud-config", "a: 1\n")),
	} {
		require.NoError(t, CheckUserData(metal.CloudInit, body), name)
	}
	for _, method := range []metal.FirstBootMethod{metal.Ignition, metal.Flatcar} {
		require.NoError(t, CheckUserData(method, []byte(`{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/a","contents":{"source":"https://example.net/a"}}]}}`)))
		require.NoError(t, CheckUserData(method, nil))
	}
	for _, method := range []metal.FirstBootMethod{metal.IPXE, metal.Plain} {
		require.NoError(t, CheckUserData(method, []byte("whatever the image makes of it")))
	}
}

func TestUserDataThatWouldFailIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("#", 64<<10+1)
	for _, c := range []struct {
		method metal.FirstBootMethod
		body   []byte
		want   string
	}{
		{metal.CloudInit, []byte("packages: [nginx]\n"), "cloud-init would ignore it; begin with #cloud-config"},
		{metal.CloudInit, []byte("#cloud-config\npackages: [nginx\n"), "its YAML does not parse: see line"},
		{metal.CloudInit, []byte("#cloud-config\n- a list\n"), "is no mapping"},
		{metal.CloudInit, []byte("#cloud-config for web1\na: 1\n"), "leave that alone on the line"},
		{metal.CloudInit, []byte(`{"ignition":{"version":"3.3.0"}}`), "looks like an Ignition configuration"},
		{metal.CloudInit, []byte("\x1f\x8bnonsense"), "and is none"},
		{metal.CloudInit, zipped(t, "#cloud-config\na: [\n"), "does not parse"},
		{metal.CloudInit, zipped(t, "#cloud-config\na: 1\n")[:20], "damaged or cut off"},
		{metal.CloudInit, zipped(t, "#"+strings.Repeat(" ", 2<<20)), "unpacks to more than"},
		{metal.CloudInit, []byte(message("text/cloud-config", "#cloud-config\na: [\n")), "part 1 of its MIME: its YAML does not parse"},
		{metal.CloudInit, []byte("Content-Type: text/plain\n\nx"), "not multipart"},
		{metal.CloudInit, []byte("Content-Type: multipart/mixed; boundary=a\n\n--b\n\nx\n--b--\n"), "is the boundary right?"},
		{metal.CloudInit, []byte(large), "65537 bytes; at most 65536"},
		{metal.Plain, []byte(large), "at most 65536"},
		{metal.Flatcar, []byte("#cloud-config\na: 1\n"), "this system has no cloud-init"},
		{metal.Ignition, []byte("variant: fcos\nversion: 1.5.0\n"), "transpile it with butane"},
		{metal.Ignition, []byte("#!/bin/sh\n"), "no JSON object"},
		{metal.Ignition, zipped(t, "{}"), "it is compressed"},
		{metal.Ignition, []byte(`{"ignition":{"version":"9.0.0"}}`), "unsupported config version"},
		{metal.Ignition, []byte(`{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"a"}]}}`), "path not absolute at $.storage.files.0.path"},
		{metal.Ignition, []byte(`{"ignition":{"version":"3.3.0"`), "its Ignition configuration is wrong"},
	} {
		err := CheckUserData(c.method, c.body)
		require.ErrorIs(t, err, ErrUserData)
		require.ErrorContains(t, err, c.want)
	}
}

func TestARefusalRepeatsNothingOfTheUserData(t *testing.T) {
	t.Parallel()
	for method, body := range map[metal.FirstBootMethod]string{
		metal.CloudInit: "#cloud-config\npassword: \"hunter2\nx: *hunter2\n  hunter2: [",
		metal.Ignition:  `{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/a","contents":{"source":"htt p://hunter2@example.net"}}]},"hunter2":1}`,
		metal.Flatcar:   `{"ignition":{"version":"hunter2"},"passwd":{"users":[{"name":1}]}}`,
	} {
		err := CheckUserData(method, []byte(body))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// TestCloudInitAgreesAboutMIME has cloud-init itself write a message.
func TestCloudInitAgreesAboutMIME(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	part := write(t, filepath.Join(folder, "a.cfg"), []byte("#cloud-config\na: 1\n"))
	script := write(t, filepath.Join(folder, "a.sh"), []byte("#!/bin/sh\ntrue\n"))
	made := run(t, nil, "cloud-init", "devel", "make-mime", "-a", part+":cloud-config", "-a", script+":x-shellscript")
	require.NoError(t, CheckUserData(metal.CloudInit, []byte(made)))
	write(t, part, []byte("#cloud-config\na: [\n"))
	made = run(t, nil, "cloud-init", "devel", "make-mime", "-f", "-a", part+":cloud-config")
	require.ErrorContains(t, CheckUserData(metal.CloudInit, []byte(made)), "part 1 of its MIME")
}

// FuzzCheckUserData: whatever is given, there is an answer, and it is short.
func FuzzCheckUserData(f *testing.F) {
	for _, seed := range []string{"#cloud-config\na: 1\n", message("text/plain", "#cloud-config\n"), `{"ignition":{"version":"3.3.0"}}`, "#!/bin/sh\n"} {
		f.Add([]byte(seed))
	}
	own, err := os.ReadFile("testdata/vendor-data")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, method := range []metal.FirstBootMethod{metal.CloudInit, metal.Ignition} {
			if err := CheckUserData(method, body); err != nil && len(err.Error()) > 500 {
				t.Fatalf("%d bytes of error", len(err.Error()))
			}
		}
	})
}

package netboot

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var update = flag.Bool("update", false, "write the golden files")

const url = "http://10.0.0.1:8080"

func TestScriptsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	agent := Agent{URL: url, From: url, Machine: "m7", Boot: 12, Token: "c0ffee", Arguments: "console=ttyS0,115200"}
	for name, script := range map[string]string{
		"agent":     agent.Script(),
		"wait":      Wait(url, "m7"),
		"disk-bios": Disk(metal.BIOS, "m7"),
		"disk-uefi": Disk(metal.UEFI, "m7"),
	} {
		file := "testdata/" + name + ".ipxe"
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(script), 0o644))
		}
		golden, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(golden), script, name)
	}
}

func TestNoScriptOfAnAgentIntentCanReachTheDisk(t *testing.T) {
	t.Parallel()
	for _, script := range []string{Agent{URL: url, From: url, Machine: "m7", Boot: 12, Token: "c0ffee"}.Script(), Wait(url, "m7")} {
		require.NotContains(t, script, "exit")
		require.NotContains(t, script, "sanboot")
		require.True(t, strings.HasSuffix(script, "|| goto again\n"), "the script ends where it began")
	}
}

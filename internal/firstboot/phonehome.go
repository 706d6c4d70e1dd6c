package firstboot

import (
	"bytes"
	_ "embed" // the programs that installed systems run
	"fmt"
	"net/netip"
	"strings"
	"text/template"
)

// The programs and units that an installed system gets. They are files of
// their own, so that their languages' tools can read them.
var (
	//go:embed files/phone-home.py
	phoneHomePython string
	//go:embed files/phone-home.sh
	phoneHomeShell string
	//go:embed files/phone-home.service
	phoneHomeUnit string
	//go:embed files/loopback.service
	loopbackUnit string
	//go:embed files/boothook.sh
	bootHook string
)

// Where our files stand in an installed system. The programs are started by
// their interpreters, as SELinux lets nobody execute what lies in /etc.
const (
	phoneHomePath = "/etc/millwright/phone-home"
	phoneHomeName = "millwright-phone-home.service"
	loopbackName  = "millwright-loopback.service"
	unitFolder    = "/etc/systemd/system/"
)

// interpreter is what runs the program that phones home.
type interpreter string

const (
	python interpreter = "/usr/bin/python3" // what cloud-init is written in, so it is there
	shell  interpreter = "/bin/sh"          // with curl: Flatcar and Fedora CoreOS have no Python
)

// phoneHome is the program that tells the boot service that the system is up,
// and tries until it has been heard.
func (s system) phoneHome(by interpreter) string {
	text := phoneHomePython
	if by == shell {
		text = phoneHomeShell
	}
	return fill(text, map[string]any{"URL": s.phoneHomeURL})
}

// phoneHomeUnit starts that program, in each boot until it has been heard once.
// The file that says so is named by the boot, so that a disk that is copied
// phones home again.
//
// What comes after cloud-init cannot be wanted by multi-user.target: that one
// comes before cloud-final.service, and systemd drops a start job to break the
// circle (seen in Debian 12, cloud-init 22.4.2).
func (s system) phoneHomeUnit(by interpreter, after string) string {
	return fill(phoneHomeUnit, map[string]any{
		"Interpreter": by, "Path": phoneHomePath, "After": after,
		"Mark": fmt.Sprintf("/var/lib/millwright/phoned-home-%d", s.boot),
	})
}

// loopbackUnit gives the loopback its addresses: no two systems' network
// configurations agree on how that is said, and some cannot say it.
func (s system) loopbackUnit() string {
	return fill(loopbackUnit, map[string]any{"Addresses": s.network.Loopback})
}

// bootHook makes the units of a system with cloud-init.
func (s system) bootHook() string {
	return fill(bootHook, map[string]any{
		"PhoneHomePath": phoneHomePath, "PhoneHome": s.phoneHome(python),
		"PhoneHomeUnit": s.phoneHomeUnit(python, "cloud-final.service"), "PhoneHomeName": phoneHomeName,
		"Loopback": s.network.Loopback, "LoopbackUnit": s.loopbackUnit(), "LoopbackName": loopbackName,
		"Folder": unitFolder,
	})
}

// fill completes one of our own texts; that it can be completed is tested.
func fill(text string, with map[string]any) string {
	var out bytes.Buffer
	t := template.Must(template.New("").Option("missingkey=error").Funcs(template.FuncMap{"family": family}).Parse(text))
	if err := t.Execute(&out, with); err != nil {
		panic(err)
	}
	return strings.TrimSpace(out.String()) + "\n"
}

// family is the flag by which ip knows an address.
func family(p netip.Prefix) string {
	if p.Addr().Is4() {
		return "-4"
	}
	return "-6"
}

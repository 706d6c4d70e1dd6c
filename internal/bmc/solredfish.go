package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"millwright/internal/metal"
)

// reference is how Redfish refers to another resource.
type reference struct {
	ID string `json:"@odata.id"`
}

// manager is what a Redfish BMC says of its serial console (Manager, DSP2046).
type manager struct {
	SerialConsole struct {
		ServiceEnabled        bool
		ConnectTypesSupported []string
	}
	NetworkProtocol reference
}

// serialOver is where a Redfish BMC offers Serial over LAN. Consoles that it
// offers over SSH alone are not read: its host key would have to be pinned
// beside its certificate, and no record has it.
func (d *Driver) serialOver(ctx context.Context, b metal.BMC, at endpoint) (over endpoint, err error) {
	err = d.govern(ctx, b, at, "find the console", func(ctx context.Context, s session) error {
		r, ok := s.(*redfishSession)
		if !ok {
			return fmt.Errorf("where its console is, is asked over Redfish: %w", metal.ErrUnsupported)
		}
		over, err = r.serialOver(ctx, at.host)
		return err
	})
	return over, err
}

func (s *redfishSession) serialOver(ctx context.Context, host string) (endpoint, error) {
	var managers struct{ Members []reference }
	if err := s.get(ctx, "/redfish/v1/Managers", &managers); err != nil {
		return endpoint{}, err
	}
	var offers []string
	for _, member := range managers.Members {
		var m manager
		if err := s.get(ctx, member.ID, &m); err != nil {
			return endpoint{}, err
		}
		if !m.SerialConsole.ServiceEnabled {
			continue
		}
		if slices.Contains(m.SerialConsole.ConnectTypesSupported, "IPMI") {
			return s.ipmiPort(ctx, host, m.NetworkProtocol)
		}
		offers = append(offers, m.SerialConsole.ConnectTypesSupported...)
	}
	if len(offers) > 0 {
		return endpoint{}, fmt.Errorf("its console is offered over %s, and IPMI is what is read: %w", known(offers), metal.ErrUnsupported)
	}
	return endpoint{}, fmt.Errorf("it offers no serial console: %w", metal.ErrUnsupported)
}

// known are the connect types of Redfish among what a BMC said: an error
// carries none of its prose.
func known(offers []string) []string {
	return slices.DeleteFunc(slices.Clone(offers), func(o string) bool { return !slices.Contains([]string{"SSH", "Telnet", "Oem"}, o) })
}

// ipmiPort reads the port of IPMI, which BMCs let people change.
func (s *redfishSession) ipmiPort(ctx context.Context, host string, network reference) (endpoint, error) {
	var protocols struct{ IPMI struct{ Port int } }
	if network.ID != "" {
		if err := s.get(ctx, network.ID, &protocols); err != nil {
			return endpoint{}, err
		}
	}
	const standard = 623 // RMCP
	return endpoint{host, strconv.Itoa(cmp.Or(protocols.IPMI.Port, standard))}, nil
}

// get reads a resource that bmclib has no words for.
func (s *redfishSession) get(ctx context.Context, path string, into any) error {
	answer, err := s.send(ctx, ask{method: http.MethodGet, path: path})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer.body, into); err != nil {
		return fmt.Errorf("%s: answer is not the JSON of this resource", answer.request())
	}
	return nil
}

package postgres

import (
	"time"

	"millwright/internal/metal"
)

// BMCRecord is a BMC as machines.bmc keeps it.
type BMCRecord struct {
	Address     string         `json:"address"`
	Protocol    metal.Protocol `json:"protocol"`
	Credential  string         `json:"credential"`
	Fingerprint string         `json:"fingerprint,omitempty"`
	CipherSuite string         `json:"cipher_suite,omitempty"`
	Console     string         `json:"console,omitempty"`
	Sessions    int            `json:"sessions,omitempty"`

	Gap            time.Duration  `json:"gap,omitempty"` // in nanoseconds
	SecondProtocol metal.Protocol `json:"second_protocol,omitempty"`
	SecondAddress  string         `json:"second_address,omitempty"`
}

func bmcRecord(b metal.BMC) BMCRecord {
	return BMCRecord{
		Address: b.Address, Protocol: b.Protocol, Credential: b.Credential,
		Fingerprint: b.Fingerprint, CipherSuite: b.CipherSuite, Console: b.Console, Sessions: b.Sessions,
		Gap: b.Gap, SecondProtocol: b.Second.Protocol, SecondAddress: b.Second.Address,
	}
}

func (r BMCRecord) metal(machine string) metal.BMC {
	return metal.BMC{
		Machine: metal.MachineID(machine), Address: r.Address, Protocol: r.Protocol,
		Credential: r.Credential, Fingerprint: r.Fingerprint, CipherSuite: r.CipherSuite, Console: r.Console, Sessions: r.Sessions,
		Gap: r.Gap, Second: metal.BMCWay{Protocol: r.SecondProtocol, Address: r.SecondAddress},
	}
}

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
)

// renewals are those of one machine in a month: at half of a lease of an hour.
const renewals = 30 * 24 * 2

// link is where a machine's lease is renewed.
type link struct {
	mac  net.HardwareAddr
	port metal.Port
}

// links are those that machines boot from.
func (w *world) links(ctx context.Context) (all []link, err error) {
	rows, err := w.sql.Query(ctx, `select mac::text, switch, port from nics where position = 0 order by machine`)
	if err != nil {
		return nil, err
	}
	var mac, sw, port string
	_, err = pgx.ForEachRow(rows, []any{&mac, &sw, &port}, func() error {
		parsed, err := net.ParseMAC(mac)
		all = append(all, link{parsed, metal.Port{Switch: metal.SwitchID(sw), Name: port}})
		return err
	})
	return all, err
}

// renewNext renews one machine's lease after the other.
func (w *world) renewNext() func(context.Context) {
	n := 0
	return func(ctx context.Context) {
		l := w.leases[n%len(w.leases)]
		n++
		if w.renew(ctx, l) == nil {
			w.renewed.Add(1)
		}
	}
}

// answerLimit is how long a relay waits for the server.
const answerLimit = 2 * time.Second

// renew sends a REQUEST as the port's relay does, and waits for an answer.
func (w *world) renew(ctx context.Context, l link) error {
	sw, err := w.rig.Lab.Switch(l.port.Switch)
	if err != nil {
		return err
	}
	at := sw.Port(l.port.Name)
	if !at.Install.IsValid() || len(at.Relay) == 0 {
		return fmt.Errorf("port %s: no relay is configured", l.port)
	}
	message, err := dhcpv4.New(dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithHwAddr(l.mac),
		dhcpv4.WithGatewayIP(at.Install.Addr().AsSlice()), dhcpv4.WithClientIP(at.Install.Addr().Next().AsSlice()),
		dhcpv4.WithOption(dhcpv4.OptRelayAgentInfo(
			dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(1), []byte(l.port.String()+".0")), // RFC 3046: circuit ID
			dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(19), nil))))                       // RFC 8357: answer to where this came from
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at.Install.Addr(), 0)))
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if soon := time.Now().Add(answerLimit); deadline.IsZero() || soon.Before(deadline) {
		deadline = soon
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := conn.WriteToUDPAddrPort(message.ToBytes(), netip.AddrPortFrom(at.Relay[0], w.rig.DHCPPort())); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1500))
	return err
}

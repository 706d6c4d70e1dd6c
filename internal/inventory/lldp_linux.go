package inventory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const etherLLDP = 0x88cc

// carrierWait is how long a link that was brought up takes to find its peer:
// 10GBASE-T trains for some seconds.
const carrierWait = 10 * time.Second

// nearest is where LLDP is sent; bridges do not forward it (802.1AB, table 7-1).
var nearest = net.HardwareAddr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}

// hear returns the first neighbour that speaks on a link.
func hear(ctx context.Context, name string) (Neighbour, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return Neighbour{}, err
	}
	if link.Flags&net.FlagUp == 0 {
		if err := raise(name); err != nil {
			return Neighbour{}, fmt.Errorf("bring it up: %w", err)
		}
	}
	socket, err := listen(link.Index)
	if err != nil {
		return Neighbour{}, err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { _ = socket.SetReadDeadline(time.Unix(1, 0)) })()
	if err := awaitCarrier(ctx, name); err != nil {
		return Neighbour{}, err
	}
	frame := make([]byte, 2048)
	for {
		n, err := socket.Read(frame)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return Neighbour{}, errSilent
		}
		if err != nil {
			return Neighbour{}, fmt.Errorf("listen: %w", err)
		}
		if neighbour, err := parseLLDP(frame[:n]); err == nil {
			return neighbour, nil
		}
	}
}

// awaitCarrier spares a link without a cable the long wait.
func awaitCarrier(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, carrierWait)
	defer cancel()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if up, err := carrier(socket, name); up || err != nil {
			return unlessUnknown(err)
		}
		select {
		case <-ctx.Done():
			return errors.New("no carrier")
		case <-tick.C:
		}
	}
}

// listen opens a packet socket that the runtime polls, so that it can be
// interrupted. SOCK_DGRAM takes the Ethernet header off.
func listen(index int) (*os.File, error) {
	const protocol = etherLLDP>>8 | etherLLDP&0xff<<8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	member := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_MULTICAST, Alen: 6}
	copy(member.Address[:], nearest)
	err = errors.Join(
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &member),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: index}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen for LLDP: %w", err)
	}
	return os.NewFile(uintptr(fd), "lldp"), nil
}

// raise brings a link up.
func raise(name string) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, request); err != nil {
		return err
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request)
}

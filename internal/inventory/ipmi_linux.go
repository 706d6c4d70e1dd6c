package inventory

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structures of linux/ipmi.h.
type (
	ipmiAddress struct { // struct ipmi_system_interface_addr
		kind    int32
		channel int16
		lun     uint8
	}
	ipmiMessage struct {
		function, command uint8
		length            uint16
		data              *byte
	}
	ipmiRequest struct {
		address       *ipmiAddress
		addressLength uint32
		id            int
		message       ipmiMessage
	}
	ipmiAnswer struct {
		kind          int32
		address       *ipmiAddress
		addressLength uint32
		id            int
		message       ipmiMessage
	}
)

const (
	ipmiSystemInterface = 0x0c
	ipmiBMCChannel      = 0x0f
	ipmiSend            = 0x8028690d // IPMICTL_SEND_COMMAND
	ipmiReceive         = 0xc030690b // IPMICTL_RECEIVE_MSG_TRUNC
	ipmiLongest         = 272        // IPMI_MAX_MSG_LENGTH
)

// ipmi is the kernel's device. Questions are asked one after the other.
type ipmi struct {
	*os.File
	last int
}

func openIPMI(path string) (controller, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &ipmi{File: file}, nil
}

// Do sends a command and waits for its answer; answers to questions that were
// given up on are passed over.
func (i *ipmi) Do(ctx context.Context, function, command byte, data ...byte) ([]byte, error) {
	i.last++
	if err := i.send(function, command, data); err != nil {
		return nil, fmt.Errorf("send command %#02x: %w", command, err)
	}
	for ctx.Err() == nil {
		ready, err := i.poll()
		if err != nil {
			return nil, fmt.Errorf("await the answer to %#02x: %w", command, err)
		}
		if !ready {
			continue
		}
		id, answer, err := i.receive()
		switch {
		case err != nil:
			return nil, fmt.Errorf("read the answer to %#02x: %w", command, err)
		case id != i.last:
			continue
		case len(answer) == 0:
			return nil, fmt.Errorf("command %#02x: an empty answer", command)
		case answer[0] != 0:
			return nil, fmt.Errorf("command %#02x: completion code %#02x", command, answer[0])
		}
		return answer[1:], nil
	}
	return nil, fmt.Errorf("command %#02x: no answer: %w", command, ctx.Err())
}

// poll waits a moment: the end of ctx is looked at between two.
func (i *ipmi) poll() (bool, error) {
	const moment = 200 * time.Millisecond
	fds := []unix.PollFd{{Fd: int32(i.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(moment.Milliseconds()))
	if err == unix.EINTR {
		return false, nil
	}
	return n > 0, err
}

func (i *ipmi) send(function, command byte, data []byte) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	address := &ipmiAddress{kind: ipmiSystemInterface, channel: ipmiBMCChannel}
	pin.Pin(address)
	ask := ipmiRequest{
		address: address, addressLength: uint32(unsafe.Sizeof(*address)), id: i.last,
		message: ipmiMessage{function: function, command: command, length: uint16(len(data))},
	}
	if len(data) > 0 {
		pin.Pin(&data[0])
		ask.message.data = &data[0]
	}
	return i.ioctl(ipmiSend, unsafe.Pointer(&ask))
}

func (i *ipmi) receive() (int, []byte, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	address, data := &[32]byte{}, make([]byte, ipmiLongest)
	pin.Pin(address)
	pin.Pin(&data[0])
	answer := ipmiAnswer{
		address: (*ipmiAddress)(unsafe.Pointer(address)), addressLength: uint32(len(address)),
		message: ipmiMessage{data: &data[0], length: uint16(len(data))},
	}
	err := i.ioctl(ipmiReceive, unsafe.Pointer(&answer))
	return answer.id, data[:min(int(answer.message.length), len(data))], err
}

func (i *ipmi) ioctl(request uint, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, i.Fd(), uintptr(request), uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}

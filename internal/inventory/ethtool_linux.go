package inventory

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// permanentAddress is struct ethtool_perm_addr of linux/ethtool.h, with room for
// the longest hardware address (InfiniBand's 20 bytes).
type permanentAddress struct {
	command, size uint32
	data          [32]byte
}

// request is struct ifreq with a pointer in it.
type request struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

const getPermanent = 0x20 // ETHTOOL_GPERMADDR

// askDriver gives a driver's name, its device's firmware, and the address that is
// burnt in, as far as it knows them.
func askDriver(name string) (driver, firmware, permanent string, err error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", "", "", fmt.Errorf("open a socket: %w", err)
	}
	defer unix.Close(socket)
	info, err := unix.IoctlGetEthtoolDrvinfo(socket, name)
	if err == nil {
		driver, firmware = unix.ByteSliceToString(info.Driver[:]), unix.ByteSliceToString(info.Fw_version[:])
	}
	permanent, permanentErr := permanentMAC(socket, name)
	return driver, firmware, permanent, errors.Join(unlessUnknown(err), unlessUnknown(permanentErr))
}

// unlessUnknown drops the answer of a driver that knows no such thing.
func unlessUnknown(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

func permanentMAC(socket int, name string) (string, error) {
	address := permanentAddress{command: getPermanent, size: 32}
	if err := ethtool(socket, name, unsafe.Pointer(&address)); err != nil {
		return "", err
	}
	mac := address.data[:min(address.size, 32)]
	for _, b := range mac {
		if b != 0 {
			return net.HardwareAddr(mac).String(), nil
		}
	}
	return "", nil // all zero: the driver did not say
}

// ethtool sends a command, the structure that argument points to.
func ethtool(socket int, name string, argument unsafe.Pointer) error {
	ask := request{data: argument}
	copy(ask.name[:unix.IFNAMSIZ-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ask)))
	runtime.KeepAlive(argument)
	if errno != 0 {
		return errno
	}
	return nil
}

const getLink = 0x0a // ETHTOOL_GLINK

// carrier asks the driver. The interface's flag RUNNING is also set while nobody
// knows yet.
func carrier(socket int, name string) (bool, error) {
	link := struct{ command, up uint32 }{command: getLink}
	err := ethtool(socket, name, unsafe.Pointer(&link))
	return link.up != 0, err
}

package firstboot

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"millwright/internal/metal"
)

// ErrUserData is user data that the chosen system would not take. Its text is
// for whoever gave the order, and repeats nothing of the data: there are
// secrets in it.
var ErrUserData = errors.New("user data refused")

const (
	maxUserData = 64 << 10 // as given
	maxUnpacked = 1 << 20  // a gzip bomb ends here
)

// CheckUserData finds, when a device is ordered, what would make its first boot
// fail or be ignored without a word.
func CheckUserData(method metal.FirstBootMethod, body []byte) error {
	if len(body) > maxUserData {
		return fmt.Errorf("%d bytes; at most %d; compress it, or fetch the rest from a server of yours: %w", len(body), maxUserData, ErrUserData)
	}
	if len(body) == 0 {
		return nil
	}
	why := ""
	switch method {
	case metal.CloudInit:
		why = wrongForCloudInit(body)
	case metal.Ignition, metal.Flatcar:
		why = wrongForIgnition(body)
	}
	if why != "" {
		return fmt.Errorf("%s: %w", why, ErrUserData)
	}
	return nil
}

// wrongForCloudInit says what is wrong with user data; empty where nothing is.
func wrongForCloudInit(body []byte) string {
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		unpacked, err := unzip(body)
		if err != nil {
			return err.Error()
		}
		body = unpacked
	}
	return wrongPart(body, 0)
}

func unzip(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("it begins like gzip, and is none; compress it again")
	}
	unpacked, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	switch {
	case err != nil:
		return nil, errors.New("its gzip is damaged or cut off; compress it again")
	case len(unpacked) > maxUnpacked:
		return nil, fmt.Errorf("it unpacks to more than %d bytes; fetch the rest from a server of yours", maxUnpacked)
	}
	return unpacked, nil
}

package junos

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// endOfMessage closes every message of NETCONF 1.0 (RFC 6242 section 4.3).
const endOfMessage = "]]>]]>"

// frames cuts a stream into messages. It exists because go-netconf v0.3.0
// misses a mark that arrives in three reads, and then waits for ever.
type frames struct {
	in    *bufio.Reader
	limit int // bytes of one message, so that a broken switch cannot fill the memory
}

// next reads one message without its mark. A stream that ends inside a message
// is io.ErrUnexpectedEOF.
func (f frames) next() ([]byte, error) {
	var message []byte
	for {
		part, err := f.in.ReadSlice('>') // the mark ends with it, wherever it is cut
		message = append(message, part...)
		switch {
		case len(message) > f.limit+len(endOfMessage):
			return nil, fmt.Errorf("message longer than %d bytes", f.limit)
		case bytes.HasSuffix(message, []byte(endOfMessage)):
			return bytes.TrimSpace(message[:len(message)-len(endOfMessage)]), nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

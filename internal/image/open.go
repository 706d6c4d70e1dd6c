package image

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Origin is a file as its vendor published it.
type Origin struct {
	Path string
	Sum  Checksum // of the file as it lies there; zero where nothing was published

	// Format is raw or qcow2 where it must be that; empty goes by its first bytes.
	Format string
	// Progress is told how many bytes of the disk were read. It may be nil.
	Progress func(read int64)
}

// kind is what a file is by its first bytes. Names lie: a ".img" is as often
// qcow2 as raw.
type kind struct {
	name   string
	at     int // where its magic stands
	magic  string
	unpack func(io.Reader) (io.Reader, error) // of a packed one
}

func kinds() []kind {
	return []kind{
		{"gzip", 0, "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"xz", 0, "\xfd7zXZ\x00", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }},
		{"bzip2", 0, "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
		// 128 MiB is what "zstd --long" takes; more has to be asked for there as well.
		{"zstd", 0, "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, error) {
			z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true))
			if err != nil {
				return nil, err
			}
			return z.IOReadCloser(), nil
		}},
		{"qcow2", 0, "QFI\xfb", nil},
		{"tar", 257, "ustar", nil},
	}
}

// foreign are formats that would pass for a raw disk, and never boot.
var foreign = map[string]string{
	"KDMV": "a VMware disk", "# Disk DescriptorFile": "a VMware disk", "vhdxfile": "a VHDX disk", "conectix": "a VHD disk",
	"<<< ": "a VirtualBox disk", "PK\x03\x04": "a zip archive", "7z\xbc\xaf": "a 7z archive", "Rar!": "a rar archive",
	"<!doctype": "a web page", "<html": "a web page", "hsqs": "a squashfs", "\x04\x22\x4d\x18": "an lz4 file",
}

// peeled is the disk inside a file, as a stream, and what has to be closed.
type peeled struct {
	io.Reader
	scratch string // a folder for what cannot be read as a stream
	files   bool   // a tar is wanted, and no disk
	format  string // that it must have; empty is any
	closers []func() error
}

func (p *peeled) Close() (err error) {
	for _, c := range p.closers {
		err = errors.Join(err, c())
	}
	return err
}

// open checks a file's checksum and takes off its packing. No decoder sees a
// byte before the checksum holds.
func (o Origin) open(p *peeled) (_ *peeled, err error) {
	file, err := os.Open(o.Path)
	if err != nil {
		return nil, err
	}
	p.format = o.Format
	p.closers = append(p.closers, file.Close)
	if o.Sum != "" {
		err = o.Sum.Verify(file)
	}
	if err == nil {
		err = p.peel(file, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", o.Path, err), p.Close())
	}
	return p, nil
}

// peel takes off one layer and goes on with what is below. Vendors publish two
// at most: packing, and a format within.
func (p *peeled) peel(file *os.File, depth int) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return p.layer(bufio.NewReaderSize(file, 1<<20), file, depth)
}

// layer looks at a stream; file is it as a file, nil where it has been unpacked.
func (p *peeled) layer(r *bufio.Reader, file *os.File, depth int) error {
	head, err := r.Peek(sector)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	k := identify(head)
	switch {
	case len(head) == 0:
		return fmt.Errorf("%w: it is empty", ErrFormat)
	case k.unpack != nil && depth > 0:
		return fmt.Errorf("%w: it is packed twice, the second time as %s", ErrFormat, k.name)
	case k.unpack != nil:
		below, err := k.unpack(r)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		if c, ok := below.(io.Closer); ok {
			// What ails a decoder it said when it was read.
			p.closers = append(p.closers, func() error { _ = c.Close(); return nil })
		}
		return p.layer(bufio.NewReaderSize(below, 1<<20), nil, depth+1)
	case p.files && k.name == "tar":
		p.Reader = r
		return nil
	case p.files:
		return fmt.Errorf("%w: it is no tar", ErrFormat)
	case p.format == "raw":
		p.Reader = r
		return nil
	case p.format != "" && p.format != k.name:
		return fmt.Errorf("%w: it looks like %s, and should be %s", ErrFormat, k.name, p.format)
	case k.name == "tar":
		return fmt.Errorf("%w: %w", ErrFormat, ErrTar)
	case k.name == "qcow2":
		return p.qcow2(r, file)
	}
	for start, name := range foreign {
		if bytes.HasPrefix(head, []byte(start)) || bytes.HasPrefix(bytes.ToLower(head), []byte(start)) {
			return fmt.Errorf("%w: it is %s: convert it to qcow2 or raw", ErrFormat, name)
		}
	}
	p.Reader = r
	return nil
}

func identify(head []byte) kind {
	for _, k := range kinds() {
		if len(head) >= k.at && bytes.HasPrefix(head[k.at:], []byte(k.magic)) {
			return k
		}
	}
	return kind{name: "raw"}
}

// OpenTar gives the tar that a root file system was published as, without its
// packing, after its checksum held.
func OpenTar(o Origin) (io.ReadCloser, error) {
	p, err := o.open(&peeled{files: true})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// qcow2 wants to jump about in its file, so a packed one is unpacked first.
func (p *peeled) qcow2(r io.Reader, file *os.File) (err error) {
	if file == nil {
		if file, err = p.spool(r); err != nil {
			return err
		}
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	disk, err := openQcow2(file, info.Size())
	if err == nil {
		p.Reader = bufio.NewReaderSize(disk, 4<<20) // the largest cluster twice
	}
	return err
}

// spool keeps a stream in a file without a name.
func (p *peeled) spool(r io.Reader) (*os.File, error) {
	file, err := os.CreateTemp(p.scratch, "spool-*")
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, file.Close)
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	n, err := io.Copy(file, io.LimitReader(r, Limit+1))
	if err == nil && n > Limit {
		err = fmt.Errorf("%w: unpacked it is larger than %d bytes", ErrFormat, int64(Limit))
	}
	return file, err
}

// tallied tells the origin's Progress what is read.
func (o Origin) tallied(disk io.Reader) io.Reader {
	if o.Progress == nil {
		return disk
	}
	return &tally{r: disk, say: o.Progress}
}

type tally struct {
	r    io.Reader
	read int64
	say  func(int64)
}

func (c *tally) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read += int64(n)
	c.say(c.read)
	return n, err
}

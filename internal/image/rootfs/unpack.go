package rootfs

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"millwright/internal/image"
)

// unpack makes a folder of a tar. As nobody in particular fakeroot remembers
// whose files they are. It loses extended attributes, a program's capabilities
// among them (fakeroot 1.31), so those are read here and set when the file
// system is there.
func (j *job) unpack(ctx context.Context, from string) error {
	files, err := image.OpenTar(image.Origin{Path: from, Sum: j.Sum})
	if err != nil {
		return err
	}
	defer func() { _ = files.Close() }() // what ailed it it said when it was read
	j.root = filepath.Join(j.dir, "root")
	if err := os.Mkdir(j.root, 0o755); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	r, w := io.Pipe()
	group.Go(func() error {
		name, args := j.faked("tar", "--extract", "--file=-", "--numeric-owner", "--same-permissions", "--same-owner", "--directory="+j.root)
		_, err := j.run(ctx, r, nil, name, args...)
		_ = r.CloseWithError(errTarEnded)
		return err
	})
	group.Go(func() (err error) {
		j.attributes, err = attributes(io.TeeReader(files, w))
		_ = w.CloseWithError(err)
		if errors.Is(err, errTarEnded) {
			return nil // tar says itself what was wrong
		}
		return err
	})
	return group.Wait()
}

var errTarEnded = errors.New("tar has ended")

// faked is a program under fakeroot, unless whoever runs it is root.
func (j *job) faked(name string, args ...string) (string, []string) {
	if j.path["fakeroot"] == "" {
		return name, args
	}
	memory := filepath.Join(j.dir, "owners")
	under := []string{"-s", memory}
	if _, err := os.Stat(memory); err == nil {
		under = append(under, "-i", memory)
	}
	return "fakeroot", append(append(under, "--", j.path[name]), args...)
}

// attribute is an extended one.
type attribute struct{ path, name, value string }

// xattr is what stands before an extended attribute's name in a tar.
const xattr = "SCHILY.xattr."

// attributes reads a tar to its end.
func attributes(r io.Reader) (all []attribute, err error) {
	files := tar.NewReader(r)
	for {
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the tar: %w", err)
		}
		for key, value := range h.PAXRecords {
			if name, ok := strings.CutPrefix(key, xattr); ok {
				all = append(all, attribute{path.Join("/", h.Name), name, value})
			}
		}
	}
	for _, a := range all {
		if !harmless.MatchString(a.path) || !harmless.MatchString(a.name) {
			return nil, fmt.Errorf("its file %q has an extended attribute %q, and one of the names is none that debugfs can be told", a.path, a.name)
		}
	}
	slices.SortFunc(all, func(a, b attribute) int { return strings.Compare(a.path+"\x00"+a.name, b.path+"\x00"+b.name) })
	_, err = io.Copy(io.Discard, r) // tar wants the padding too
	return all, err
}

// harmless keeps a vendor's file from giving debugfs commands: it can copy any
// file of this machine.
var harmless = regexp.MustCompile(`^[A-Za-z0-9/._:@%+=,~\[\] -]+$`)

// command tells debugfs to set it. The value is in octal: it reads C's escapes.
func (a attribute) command() string {
	var value strings.Builder
	for _, b := range []byte(a.value) {
		fmt.Fprintf(&value, `\%03o`, b)
	}
	return fmt.Sprintf(`ea_set "%s" %s "%s"`, a.path, a.name, value.String())
}

package ramdisk

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"
)

// file is one file of a package; its path has no slash at either end.
type file struct {
	path string
	mode int64
	body []byte
	link string // where a symbolic link points to
}

// unpack reads the files of a package that are wanted into memory. dpkg-deb
// knows how the package is compressed; nothing is written to disk, so owners
// and devices are no matter.
func unpack(ctx context.Context, deb string, wanted func(path string) bool) ([]file, error) {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", deb, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", deb, err)
	}
	files, err := readTar(pipe, wanted)
	if err == nil {
		_, err = io.Copy(io.Discard, pipe) // the padding behind the end
	}
	pipe.Close()
	if waited := cmd.Wait(); err == nil {
		err = waited
	}
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", deb, err)
	}
	return files, nil
}

func readTar(from io.Reader, wanted func(string) bool) ([]file, error) {
	var files []file
	for archive := tar.NewReader(from); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		name := merged(path.Clean(header.Name))
		if header.Typeflag != tar.TypeReg && header.Typeflag != tar.TypeSymlink || !wanted(name) {
			continue
		}
		body, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, header.Mode & 0o777, body, header.Linkname})
	}
}

// merged is where a file is on a system whose /bin, /sbin and /lib are links
// into /usr; some packages still ship theirs outside.
func merged(name string) string {
	for _, old := range []string{"bin/", "sbin/", "lib/", "lib64/"} {
		if strings.HasPrefix(name, old) {
			return "usr/" + name
		}
	}
	return name
}

// field reads one field of a package's control file.
func field(ctx context.Context, deb, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "dpkg-deb", "--field", deb, name).Output()
	if err != nil {
		return "", fmt.Errorf("read %s of %s: %w", name, deb, err)
	}
	return strings.TrimSpace(string(out)), nil
}

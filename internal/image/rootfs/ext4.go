package rootfs

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// conf takes the place of the machine's own: what a file system can must not
// depend on where it was made. GRUB 2.06 and the kernels of 2015 read it.
const conf = `[defaults]
	base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
	blocksize = 4096
	inode_size = 256
	reserved_ratio = 5.0
[fs_types]
	ext4 = {
		features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
	}
	small = {
		blocksize = 4096
	}
	big = {
		blocksize = 4096
	}
`

// ext4 writes the root file system into its partition, and into it what makes
// it boot.
func (j *job) ext4(ctx context.Context) error {
	path, err := j.write("mke2fs.conf", conf)
	if err != nil {
		return err
	}
	env := []string{"MKE2FS_CONFIG=" + path, j.clock()}
	name, args := j.faked("mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-U", j.ids.fs, "-J", fmt.Sprintf("size=%d", journal), "-N", fmt.Sprint(j.inodes), "-d", j.root,
		// The inode tables are zeros already, so no kernel has to see to that.
		"-E", fmt.Sprintf("offset=%d,hash_seed=%s,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=1", rootStart, j.ids.seed),
		j.disk, fmt.Sprintf("%dk", j.rootSize/1024))
	if _, err := j.run(ctx, nil, env, name, args...); err != nil {
		return err
	}
	commands, err := j.additions()
	if err != nil {
		return err
	}
	return j.debugfs(ctx, commands)
}

// clock is what e2fsprogs take for now.
func (j *job) clock() string { return fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", j.newest.Unix()) }

// debugfs runs commands on the root file system. It ends well whatever became
// of them: all that it says beside its name is a complaint.
func (j *job) debugfs(ctx context.Context, commands string) error {
	path, err := j.write("commands", commands)
	if err != nil {
		return err
	}
	said, err := j.run(ctx, nil, []string{j.clock(), "DEBUGFS_PAGER=__none__"}, "debugfs", "-w", "-f", path, fmt.Sprintf("%s?offset=%d", j.disk, rootStart))
	if err != nil {
		return err
	}
	if _, complaint, more := strings.Cut(said, "\n"); more {
		return fmt.Errorf("debugfs: %s", last(complaint))
	}
	return nil
}

// additions are the commands that write the files of our own, and give every
// inode one time: mke2fs takes over when each was unpacked.
func (j *job) additions() (string, error) {
	var c strings.Builder
	for _, a := range j.attributes {
		fmt.Fprintln(&c, a.command())
	}
	files := []struct{ path, content string }{{"/boot/grub/grub.cfg", j.menu()}}
	if table, err := j.fstab(); err != nil {
		return "", err
	} else if table != "" {
		files = append(files, struct{ path, content string }{"/etc/fstab", table})
	}
	for _, f := range files {
		local, err := j.write(filepath.Base(f.path), f.content)
		if err != nil {
			return "", err
		}
		if _, err := os.Lstat(filepath.Join(j.root, filepath.Dir(f.path))); err != nil {
			fmt.Fprintf(&c, "mkdir %s\n", filepath.Dir(f.path))
		}
		if _, err := os.Lstat(filepath.Join(j.root, f.path)); err == nil {
			fmt.Fprintf(&c, "rm %s\n", f.path)
		}
		fmt.Fprintf(&c, "write %q %s\nsif %s mode 0100644\n", local, f.path, f.path)
	}
	used, err := j.usedInodes()
	if err != nil {
		return "", err
	}
	for n := int64(firstInode); n <= used+int64(2*len(files)); n++ {
		fmt.Fprintf(&c, "sif <%d> ctime @%d\nsif <%d> atime @%d\nsif <%d> crtime @%d\n", n, j.newest.Unix(), n, j.newest.Unix(), n, j.newest.Unix())
	}
	return c.String(), nil
}

// firstInode is the first that is not reserved: lost+found.
const firstInode = 11

// usedInodes are as many as mke2fs took, one after the other. Where the numbers
// stand in the superblock: ext4's documentation in the kernel, super.rst.
func (j *job) usedInodes() (int64, error) {
	f, err := os.Open(j.disk)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	var block [1024]byte
	if _, err := f.ReadAt(block[:], rootStart+1024); err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint32(block[0x00:])) - int64(binary.LittleEndian.Uint32(block[0x10:])), nil
}

// fstab is the one to write, or nothing where the file system has one that
// names a root.
func (j *job) fstab() (string, error) {
	have := ""
	if j.has["etc/fstab"] {
		raw, err := os.ReadFile(filepath.Join(j.root, "etc/fstab"))
		if err != nil {
			return "", err
		}
		have = string(raw)
	}
	for line := range strings.Lines(have) {
		if f := strings.Fields(line); len(f) > 1 && !strings.HasPrefix(f[0], "#") && f[1] == "/" {
			return "", nil
		}
	}
	text := fmt.Sprintf("UUID=%s / ext4 errors=remount-ro 0 1\n", j.ids.fs)
	if j.has["boot/efi"] {
		v := strings.ToUpper(j.ids.volume)
		text += fmt.Sprintf("UUID=%s-%s /boot/efi vfat umask=0077,nofail 0 1\n", v[:4], v[4:])
	}
	return have + text, nil
}

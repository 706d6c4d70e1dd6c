package ramdisk

// Debian's release whose packages are taken. Its kernel decides which hardware
// the agent knows; the machine that builds may run another release, as long as
// its debian-archive-keyring knows this one.
const release = "trixie"

// sources are the release's archives; %s is the keyring whose signature they
// must bear.
const sources = `deb [signed-by=%[1]s] http://deb.debian.org/debian ` + release + ` main
deb [signed-by=%[1]s] http://deb.debian.org/debian-security ` + release + `-security main
`

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// kernels are metapackages: what they depend on is the kernel itself.
var kernels = map[string]string{
	"amd64": "linux-image-amd64",
	"arm64": "linux-image-arm64",
}

// packages hold the programs below and every library that they need. A library
// that is missing here stops the build, and is named.
var packages = []string{
	"busybox-static",
	"mdadm", "libudev1", "libcap2",
	"e2fsprogs", "libext2fs2t64", "libcom-err2", "libblkid1", "libuuid1",
	"xfsprogs", "libinih1", "liburcu8t64",
	"dosfstools",
	"fdisk", "libfdisk1", "libsmartcols1", "libreadline8t64", "libtinfo6",
	"libc6",
}

// programs are what the agent's steps run, and a shell for the rescue system.
var programs = []string{
	"usr/bin/busybox",
	"usr/sbin/mdadm",
	"usr/sbin/mke2fs",
	"usr/sbin/mkfs.xfs",
	"usr/sbin/mkfs.fat",
	"usr/sbin/sfdisk",
}

// companions are files that programs read.
var companions = []string{
	"etc/mke2fs.conf",
}

// links are further names, by which people and programs call things. The
// kernel calls /sbin/modprobe when it wants a file system or a cipher: that is
// the agent by another name.
var links = map[string]string{
	"bin":                "usr/bin",
	"sbin":               "usr/sbin",
	"lib":                "usr/lib",
	"lib64":              "usr/lib64",
	"usr/bin/sh":         "busybox",
	"usr/sbin/modprobe":  "/init",
	"usr/sbin/mkfs.ext4": "mke2fs",
	"usr/sbin/mkfs.vfat": "mkfs.fat",
}

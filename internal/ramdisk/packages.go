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

// The programs that test a machine under load, and their libraries: as large
// as all the rest, for fio brings the clients of Ceph and Gluster, and stress-ng
// those of the graphics card. They are no part of the initrd, which each install
// loads, but of a file beside it, which a machine that is proven asks for.
var (
	burnInPackages = []string{
		"stress-ng", "libacl1", "libapparmor1", "libbsd0", "libcrypt1", "libdrm2", "libegl1", "libexpat1", "libgbm1",
		"libgcc-s1", "libgles2", "libglvnd0", "libgmp10", "libipsec-mb2", "libjpeg62-turbo", "libjudydebian1", "libkmod2",
		"liblzma5", "libmd0", "libmpfr6", "libsctp1", "libssl3t64", "libstdc++6", "libxxhash0", "libzstd1", "zlib1g",
		"fio", "libaio1t64", "libboost-iostreams1.83.0", "libboost-thread1.83.0", "libbz2-1.0", "libcryptsetup12", "libdaxctl1",
		"libdevmapper1.02.1", "libffi8", "libfmt10", "libgfapi0", "libgfrpc0", "libgfxdr0", "libglusterfs0", "libgnutls30t64",
		"libgssapi-krb5-2", "libhogweed6t64", "libibverbs1", "libidn2-0", "libjson-c5", "libk5crypto3", "libkeyutils1", "libkrb5-3",
		"libkrb5support0", "libnbd0", "libndctl6", "libnettle8t64", "libnfs14", "libnl-3-200", "libnl-route-3-200", "libnuma1",
		"libp11-kit0", "libpcre2-8-0", "libpmem1", "librados2", "librbd1", "librdmacm1t64", "libselinux1", "libtasn1-6", "libtirpc3t64",
		"libunistring5", "libxml2",
	}
	burnInPrograms = []string{"usr/bin/stress-ng", "usr/bin/fio"}
)

// notBuilt are packages that an architecture does not have, and does not need.
var notBuilt = map[string][]string{
	"arm64": {"libipsec-mb2"},
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

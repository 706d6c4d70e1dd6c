package image

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	sumA = "0bd6f86ae4f8bbd8b7bb5b1e07ee0eb4dd5f2a7b0a5cd1e9c0f3ea2c6a8b1111"
	sumB = "1bd6f86ae4f8bbd8b7bb5b1e07ee0eb4dd5f2a7b0a5cd1e9c0f3ea2c6a8b2222"
)

func TestPublishedChecksumsAreFound(t *testing.T) {
	t.Parallel()
	long := Checksum(sumA + sumB)
	for name, c := range map[string]struct {
		text string
		want Checksum
	}{
		"SHA256SUMS of Ubuntu":     {sumB + " *other.img\n" + sumA + " *disk.img\n", sumA},
		"SHA512SUMS of Debian":     {string(long) + "  disk.img\n", long},
		"CHECKSUM of Fedora":       {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# disk.img: 529 bytes\nSHA256 (disk.img) = " + sumA + "\n-----BEGIN PGP SIGNATURE-----\niQ==\n-----END PGP SIGNATURE-----\n", sumA},
		"CHECKSUM.SHA512, FreeBSD": {"SHA512 (other) = " + sumB + sumB + "\nSHA512 (disk.img) = " + string(long) + "\n", long},
		"disk.img.sha256 alone":    {sumA + "\n", sumA},
		"capitals, a folder":       {strings.ToUpper(sumA) + "  ./images/disk.img\r\n", sumA},
		"the longest wins":         {sumA + "  disk.img\n" + string(long) + "  disk.img\n" + sumA + "  disk.img\n", long},
		"MD5 is passed over":       {"MD5 (disk.img) = d41d8cd98f00b204e9800998ecf8427e\nd41d8cd98f00b204e9800998ecf8427e  disk.img\nSHA256 (disk.img) = " + sumA, sumA},
	} {
		got, err := FindChecksum(strings.NewReader(c.text), "/srv/disk.img")
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestAChecksumIsNeverGuessed(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":           "",
		"another file":      sumA + "  disk.img.old\n",
		"an end of a name":  sumA + "  mydisk.img\n",
		"MD5 only":          "d41d8cd98f00b204e9800998ecf8427e  disk.img\n",
		"two, and no name":  sumA + "\n" + sumB + "\n",
		"two that disagree": sumA + "  disk.img\n" + sumB + "  disk.img\n",
		"a wrong length":    "SHA512 (disk.img) = " + sumA + "\n",
		"65 digits":         sumA + "0  disk.img\n",
	} {
		_, err := FindChecksum(strings.NewReader(text), "disk.img")
		require.Error(t, err, name)
	}
	require.Error(t, Checksum("abc").Verify(strings.NewReader("")))
}

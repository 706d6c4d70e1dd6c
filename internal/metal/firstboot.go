package metal

// FirstBootMethod is how an installed system learns who it is.
type FirstBootMethod string

const (
	CloudInit FirstBootMethod = "cloud-init" // a NoCloud seed on a partition of its own
	Ignition  FirstBootMethod = "ignition"   // a file in the image's boot partition
	Flatcar   FirstBootMethod = "flatcar"    // Ignition, in the OEM partition
	IPXE      FirstBootMethod = "ipxe"       // the tenant's own script; nothing is installed
	Plain     FirstBootMethod = "plain"      // the image knows what to do; metadata is all it is given
)

// FirstBoot is what an installed system is told before it first runs: where to
// ask and to phone home, and the files in which it finds that.
type FirstBoot struct {
	Hostname     string `json:"hostname"`
	MetadataURL  string `json:"metadata_url"`
	PhoneHomeURL string `json:"phone_home_url"`

	Seed  *Seed  `json:"seed,omitempty"`  // a small file system behind the image
	Files []File `json:"files,omitempty"` // into file systems of the image
}

// Seed is a file system that the agent makes on a partition of its own at the
// end of the boot disk, for systems that look for a label.
type Seed struct {
	Label string `json:"label"` // "CIDATA"
	Files []File `json:"files"` // paths without folders
}

// File is one file that the agent writes.
type File struct {
	Partition string `json:"partition,omitempty"` // label of the file system that it goes to; empty in a seed
	Path      string `json:"path"`                // from that file system's root, without a leading slash
	Mode      uint32 `json:"mode,omitempty"`      // permission bits; 0 means 0644
	Body      []byte `json:"body"`
}

// Rescue is what the agent needs to let the tenant look at a machine whose
// disks stay as they are.
type Rescue struct {
	Hostname string   `json:"hostname"`
	Keys     []string `json:"keys"`            // authorized_keys lines
	Links    []Lease  `json:"links,omitempty"` // the device's addresses, as the installed system has them
}

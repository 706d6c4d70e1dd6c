package metal

// Catalogue is what tenants choose from. It changes only when a site file is
// imported.
type Catalogue struct {
	Plans   []Plan
	Systems []OfferedSystem
	Sites   []Site
}

// Plan is a class of machines, all alike.
type Plan struct {
	ID          PlanID
	Description string
	Cores       int
	MemoryGiB   int
	DisksGB     []int // decimal gigabytes, as disks are sold
	NICs        int
	Sites       []SiteID // that have machines of it, free or not
}

// OfferedSystem is an operating system and the plans that it runs on.
type OfferedSystem struct {
	OperatingSystem
	Plans []PlanID
}

// Offered reports whether it can be ordered: it has an image, or boots the
// tenant's own script. Devices may still run what is offered no more.
func (o OfferedSystem) Offered() bool { return o.Image.ID != "" || o.FirstBoot == IPXE }

// Site is a place as tenants see it: its metro is where it is near to.
type Site struct {
	ID    SiteID
	Metro string
}

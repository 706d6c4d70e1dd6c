package sitefile

import (
	"regexp"
	"strconv"
	"time"

	"millwright/internal/metal"
)

func (p *parser) plans(root object) {
	for _, e := range root.table("plans", "plan") {
		o := p.object(e.as("plan"), []string{"description", "cores", "memory_gib", "disks_gb"},
			[]string{"boot_limit", "install_limit", "phone_home_limit", "warm",
				"disk_types", "nic_mbps", "firmware", "settings", "burn_in", "spares", "watts"})
		plan := Plan{
			ID:          metal.PlanID(e.name),
			Description: o.text("description"),
			Cores:       o.number("cores"),
			MemoryGiB:   o.number("memory_gib"),
			Limits:      limits(o),
			Warm:        o.numberOr("warm", 0),
			Spares:      o.numberOr("spares", 0),
			Watts:       o.numberOr("watts", 0),
		}
		for _, w := range o.words("disks_gb") {
			size, err := strconv.Atoi(w.name)
			if err != nil || size < 1 {
				p.problem(w.line, "a disk of plan %s is %q; write its size in GB, a whole number from 1", e.name, w.name)
			}
			plan.DisksGB = append(plan.DisksGB, size)
		}
		p.fitness(o, &plan)
		p.site.Plans = append(p.site.Plans, plan)
	}
}

// limits of a plan that gives none suit most servers: the slowest POST seen
// took 11 minutes, and an image is written in a few.
func limits(plan object) metal.Limits {
	return metal.Limits{
		Boot:      plan.span("boot_limit", 20*time.Minute),
		Install:   plan.span("install_limit", 30*time.Minute),
		PhoneHome: plan.span("phone_home_limit", 15*time.Minute),
	}
}

func (p *parser) operatingSystems(root object) {
	for _, e := range root.table("operating_systems", "operating system") {
		o := p.object(e.as("operating system"),
			[]string{"name", "distro", "version", "plans"}, []string{"arch", "first_boot", "image", "size"})
		system := OperatingSystem{OperatingSystem: metal.OperatingSystem{
			ID:      metal.OperatingSystemID(e.name),
			Name:    o.text("name"),
			Distro:  o.text("distro"),
			Version: o.text("version"),
			Arch:    o.textOr("arch", "x86_64"),
		}}
		p.installed(o, &system.OperatingSystem)
		for _, w := range o.words("plans") {
			plan := metal.PlanID(w.name)
			knows(p, w.line, "plan", plan, names(p.site.Plans, func(d Plan) metal.PlanID { return d.ID }))
			system.Plans = append(system.Plans, plan)
		}
		p.site.OperatingSystems = append(p.site.OperatingSystems, system)
	}
}

// installed reads how a system comes onto a disk, and wakes up there.
func (p *parser) installed(o object, system *metal.OperatingSystem) {
	if system.Arch != "x86_64" && system.Arch != "aarch64" {
		p.problem(o.at("arch"), "arch of %s is %q; write x86_64 or aarch64", o.what, system.Arch)
	}
	system.FirstBoot = metal.FirstBootMethod(o.textOr("first_boot", string(metal.CloudInit)))
	switch system.FirstBoot {
	case metal.IPXE:
		if o.has("image") || o.has("size") {
			p.problem(o.at("image"), "%s boots the tenant's own script; leave image and size out", o.what)
		}
		return
	case metal.CloudInit, metal.Ignition, metal.Flatcar, metal.Plain:
	default:
		p.problem(o.at("first_boot"), "first_boot of %s is %q; write cloud-init, ignition, flatcar, ipxe or plain", o.what, system.FirstBoot)
	}
	system.Image = metal.Image{ID: p.digest(o, "image", "what `starter image import` printed,"), Size: int64(o.number("size"))}
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// digest is a SHA-256 in the one spelling that may be compared as text.
func (p *parser) digest(o object, key, remedy string) string {
	sum := o.text(key)
	if sum != "" && !digestForm.MatchString(sum) {
		p.problem(o.at(key), "%s of %s is %q; write %s as 64 lower-case hex digits", key, o.what, sum, remedy)
	}
	return sum
}

// names lists what things of a section are called.
func names[T any, N ~string](things []T, name func(T) N) []N {
	all := make([]N, len(things))
	for i, thing := range things {
		all[i] = name(thing)
	}
	return all
}

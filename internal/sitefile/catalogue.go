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
			[]string{"boot_limit", "install_limit", "phone_home_limit"})
		plan := Plan{
			ID:          metal.PlanID(e.name),
			Description: o.text("description"),
			Cores:       o.number("cores"),
			MemoryGiB:   o.number("memory_gib"),
			Limits:      limits(o),
		}
		for _, w := range o.words("disks_gb") {
			size, err := strconv.Atoi(w.name)
			if err != nil || size < 1 {
				p.problem(w.line, "a disk of plan %s is %q; write its size in GB, a whole number from 1", e.name, w.name)
			}
			plan.DisksGB = append(plan.DisksGB, size)
		}
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
			[]string{"name", "distro", "version", "image", "sha256", "size", "plans"}, nil)
		system := OperatingSystem{OperatingSystem: metal.OperatingSystem{
			ID:      metal.OperatingSystemID(e.name),
			Name:    o.text("name"),
			Distro:  o.text("distro"),
			Version: o.text("version"),
			Image:   metal.Image{File: p.imageFile(o), SHA256: p.digest(o, "sha256"), Size: int64(o.number("size"))},
		}}
		for _, w := range o.words("plans") {
			plan := metal.PlanID(w.name)
			knows(p, w.line, "plan", plan, names(p.site.Plans, func(d Plan) metal.PlanID { return d.ID }))
			system.Plans = append(system.Plans, plan)
		}
		p.site.OperatingSystems = append(p.site.OperatingSystems, system)
	}
}

// fileForm has no slash: images are served from one folder, and a name that
// climbs out of it must not get this far.
var fileForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

func (p *parser) imageFile(o object) string {
	file := o.text("image")
	if file != "" && !fileForm.MatchString(file) {
		p.problem(o.at("image"), "image %q is not a file name; write the name alone, without a folder", file)
	}
	return file
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// digest is a SHA-256 in the one spelling that may be compared as text.
func (p *parser) digest(o object, key string) string {
	sum := o.text(key)
	if sum != "" && !digestForm.MatchString(sum) {
		p.problem(o.at(key), "%s of %s is %q; write a SHA-256 as 64 lower-case hex digits", key, o.what, sum)
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

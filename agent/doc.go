// Command agent runs in RAM on a machine: it asks the site's boot services
// what to do, tests the machine under load, erases disks, writes an image,
// prepares its first boot, lets a tenant in for a rescue, and leaves the
// machine. Booted as the RAM system's init it is all that runs there; started by
// hand it works on the disks that it is given. The conversation is package
// millwright/internal/agent; here its parts are put together: ramsystem,
// inventory, burnin, drive, image, seed, rescue.
//
// It learns who it is from the kernel's command line, which the boot script
// wrote. It carries no credential but the token of this boot, and must import
// nothing that needs one: no driver, no store.
package main

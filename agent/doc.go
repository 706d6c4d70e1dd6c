// Command agent runs in RAM on a machine: it asks the site's boot services
// what to do, erases disks, writes an image, and says how the machine is to be
// left. The conversation is package millwright/internal/agent; here is what
// touches disks.
//
// It learns who it is from the kernel's command line, which the boot script
// wrote. It carries no credential but the token of this boot, and must import
// nothing that needs one: no driver, no store.
package main

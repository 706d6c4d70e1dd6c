// Command lab is a data centre on a laptop: it generates a site file, writes
// the images that go with it, and runs every switch, BMC and machine of a site
// file in one process.
//
// It is the main of package millwright/internal/lab and holds flags alone. It
// must not import a driver or a store: a lab is met over its sockets.
package main

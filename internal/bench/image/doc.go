// Command image compares the agent's image writer with what one would type
// instead: zstd -dc image.zst | dd of=disk oflag=direct. Both write the same
// disk, a loop device with direct I/O that was discarded before, from what is in
// the page cache, in turns; medians count. Ours fetches its blocks from a server
// on the loopback interface, checks each before it is written, and runs as a
// process of its own, whose peak of memory is taken. The disks are 512 MiB of
// this machine's own programs and libraries, and the same with twice as much
// nothing between. Its last line is one JSON object.
//
// It wants root, zstd and losetup, and 4 GiB of room under TMPDIR.
package main

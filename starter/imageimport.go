package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"millwright/internal/image"
	"millwright/internal/image/rootfs"
)

type imageImportCommand struct {
	imageStore
	From        string `arg:"" help:"File, or http(s) URL."`
	Checksum    string `xor:"sum" env:"-" help:"The SHA-256, SHA-384 or SHA-512 that the vendor published." placeholder:"HEX"`
	ChecksumURL string `xor:"sum" env:"-" name:"checksum-url" help:"Where the vendor published it: SHA256SUMS, CHECKSUM, name.sha512; file or http(s) URL." placeholder:"URL"`
	Format      string `enum:"auto,raw,qcow2,tar" default:"auto" env:"-" help:"What it must be, packed or not: auto, raw, qcow2 or tar. auto goes by its first bytes."`

	Size            int64  `env:"-" help:"Of the disk that is made of a tar, in bytes; without it, as large as needed." placeholder:"BYTES"`
	KernelArguments string `env:"-" help:"Of the system that is made of a tar, such as \"console=ttyS0,115200\"."`
}

// Run brings an image into the store and prints what it is.
func (c imageImportCommand) Run(ctx context.Context, a *app) (err error) {
	if c.Format != "auto" && c.Format != "tar" && (c.Size != 0 || c.KernelArguments != "") {
		return usage(errors.New("--size and --kernel-arguments are for a tar: a disk has both"))
	}
	store, err := c.open()
	if err != nil {
		return err
	}
	scratch, release, err := store.Scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	sum, err := c.sum(ctx, scratch)
	if err != nil {
		return err
	}
	if sum == "" {
		fmt.Fprintln(a.errs, "starter: no checksum is given; the file is taken as it is")
	}
	file, forget, err := c.file(ctx, a)
	if err != nil {
		return err
	}
	id, err := c.take(ctx, a, store, image.Origin{Path: file, Sum: sum}, scratch)
	if err == nil || errors.Is(err, image.ErrChecksum) { // what is wrong is not gone on with
		err = errors.Join(err, forget())
	}
	if err != nil {
		return err
	}
	info, err := store.Info(ctx, id)
	if err != nil {
		return err
	}
	return a.printImage(info)
}

// take imports a disk, or makes one of a tar first.
func (c imageImportCommand) take(ctx context.Context, a *app, store *image.Store, o image.Origin, scratch string) (id image.ID, err error) {
	p := a.progress("import")
	defer p.end()
	o.Progress = p.so
	if c.Format == "raw" || c.Format == "qcow2" {
		o.Format = c.Format
	}
	if c.Format != "tar" {
		if id, err = store.Import(ctx, o); !errors.Is(err, image.ErrTar) || c.Format != "auto" {
			return id, err
		}
	}
	disk := filepath.Join(scratch, "disk.raw")
	err = rootfs.Build(ctx, o.Path, disk, rootfs.Options{Size: c.Size, KernelArguments: c.KernelArguments, Sum: o.Sum})
	if err != nil {
		return id, err
	}
	return store.Import(ctx, image.Origin{Path: disk, Format: "raw", Progress: p.so})
}

// file is what is imported, and how to delete it when it was a download.
func (c imageImportCommand) file(ctx context.Context, a *app) (string, func() error, error) {
	if !remote(c.From) {
		return c.From, func() error { return nil }, nil
	}
	p := a.progress("download")
	defer p.end()
	name := sha256.Sum256([]byte(c.From))
	d := &image.Download{URL: c.From, Path: filepath.Join(c.Store, ".part-"+hex.EncodeToString(name[:8])), Progress: p.of}
	return d.Path, d.Forget, d.Run(ctx)
}

func remote(from string) bool {
	return strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://")
}

// sumsLimit is far beyond the longest list of checksums that a vendor has.
const sumsLimit = 16 << 20

// sum is what the vendor published about the file.
func (c imageImportCommand) sum(ctx context.Context, scratch string) (image.Checksum, error) {
	if c.ChecksumURL == "" {
		// Some vendors write the algorithm before it.
		_, sum, found := strings.Cut(c.Checksum, ":")
		if !found {
			sum = c.Checksum
		}
		if n := len(sum); n != 0 && n != 64 && n != 96 && n != 128 {
			return "", usage(fmt.Errorf("--checksum has %d digits: a SHA-256 has 64, a SHA-384 96, a SHA-512 128", n))
		}
		return image.Checksum(strings.ToLower(sum)), nil
	}
	list := c.ChecksumURL
	if remote(list) {
		d := &image.Download{URL: list, Path: filepath.Join(scratch, "sums"), Limit: sumsLimit}
		if err := d.Run(ctx); err != nil {
			return "", err
		}
		list = d.Path
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return "", err
	}
	name := filepath.Base(c.From)
	if u, err := url.Parse(c.From); err == nil && remote(c.From) {
		name = path.Base(u.Path)
	}
	return image.FindChecksum(bytes.NewReader(text), name)
}

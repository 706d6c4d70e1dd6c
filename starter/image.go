package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"millwright/internal/image"
)

// imageCommand is what an operator does with the images that boot serves. It
// needs no database: a store is a folder.
type imageCommand struct {
	Import imageImportCommand `cmd:"" help:"Take a system's image as its vendor publishes it: raw or qcow2, or the files of one as a tar; packed or not."`
	List   imageListCommand   `cmd:"" help:"List the images in a store."`
	Show   imageShowCommand   `cmd:"" help:"Show one image."`
	Remove imageRemoveCommand `cmd:"" help:"Delete an image. A machine that is being installed with it fails."`
	Verify imageVerifyCommand `cmd:"" help:"Read a whole image and compare it with its identity. Exits 1 if it is damaged."`
}

// imageStore is the folder that all of them work on.
type imageStore struct {
	Store string `env:"MILLWRIGHT_IMAGE_FOLDER" default:"/var/lib/millwright/images" type:"path" help:"Folder of the images; boot's image folder." placeholder:"DIR"`
}

func (s imageStore) open() (*image.Store, error) { return image.OpenStore(s.Store, 0) }

// find takes the beginning of an identity where only one image has it.
func (s imageStore) find(name string) (*image.Store, image.ID, error) {
	store, err := s.open()
	if err != nil {
		return nil, image.ID{}, err
	}
	ids, err := store.List()
	if err != nil {
		return nil, image.ID{}, err
	}
	var found []image.ID
	for _, id := range ids {
		if name != "" && strings.HasPrefix(id.String(), strings.ToLower(name)) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 1:
		return store, found[0], nil
	case 0:
		return nil, image.ID{}, fmt.Errorf("no image in %s begins with %q; see starter image list", s.Store, name)
	}
	return nil, image.ID{}, fmt.Errorf("%d images in %s begin with %q: give more of the identity", len(found), s.Store, name)
}

type imageListCommand struct{ imageStore }

// Run lists images, the newest first.
func (c imageListCommand) Run(ctx context.Context, a *app) error {
	store, err := c.open()
	if err != nil {
		return err
	}
	infos, err := store.Infos(ctx)
	if err != nil {
		return err
	}
	t := table{columns: []string{"id", "size", "stored", "imported"}}
	for _, i := range infos {
		t.add(i.ID.String(), i.Size, i.Stored, i.Imported)
	}
	return t.print(a.out, a.Output)
}

type imageShowCommand struct {
	imageStore
	ID string `arg:"" help:"Identity of the image, or its beginning."`
}

// Run prints what is known of an image.
func (c imageShowCommand) Run(ctx context.Context, a *app) error {
	store, id, err := c.find(c.ID)
	if err != nil {
		return err
	}
	info, err := store.Info(ctx, id)
	if err != nil {
		return err
	}
	return a.printImage(info)
}

// printImage prints an image as a list of what it is, or as an object.
func (a *app) printImage(i image.Info) error {
	if a.Output == "json" {
		return printJSON(a.out, i)
	}
	_, err := fmt.Fprintf(a.out, "id        %s\nsize      %d\nstored    %d\nblocks    %d of %d bytes, %d holes\nimported  %s\n",
		i.ID, i.Size, i.Stored, i.Blocks, i.Block, i.Holes, i.Imported.UTC().Format(time.RFC3339))
	return err
}

type imageRemoveCommand struct {
	imageStore
	ID string `arg:"" help:"Identity of the image, or its beginning."`
}

// Run deletes an image.
func (c imageRemoveCommand) Run(a *app) error {
	store, id, err := c.find(c.ID)
	if err != nil {
		return err
	}
	if err := store.Remove(id); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "image %s is removed\n", id)
	return err
}

type imageVerifyCommand struct {
	imageStore
	ID string `arg:"" help:"Identity of the image, or its beginning."`
}

// Run says that an image is whole, or names every damaged block.
func (c imageVerifyCommand) Run(ctx context.Context, a *app) error {
	store, id, err := c.find(c.ID)
	if err != nil {
		return err
	}
	p := a.progress("verify")
	err = store.Verify(ctx, id, p.of)
	p.end()
	if err != nil {
		return fmt.Errorf("%w; remove it and import it again: starter image remove %s", err, id)
	}
	_, err = fmt.Fprintf(a.out, "image %s is what it should be\n", id)
	return err
}

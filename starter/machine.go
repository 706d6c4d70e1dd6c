package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/console"
	"millwright/internal/erasure"
	"millwright/internal/metal"
	"millwright/internal/postgres"
)

type logCommand struct {
	Machine metal.MachineID  `arg:"" help:"The machine."`
	Boot    metal.BootNumber `env:"-" help:"The boot with this number; the newest otherwise."`
	Follow  bool             `short:"f" env:"-" help:"Go on with what comes, until interrupted."`
}

// logPause is how often a followed log is looked at. Agents send it once a
// second.
const logPause = time.Second

// Run prints what an agent logged. What a machine says must not drive anybody's
// terminal: control characters are taken out.
func (c logCommand) Run(ctx context.Context, a *app) error {
	store, err := a.knows(ctx, c.Machine)
	if err != nil {
		return err
	}
	var clean console.Harmless
	for from := int64(0); ; {
		text, next, err := store.ReadLog(ctx, c.Machine, c.Boot, from)
		if err != nil {
			return fmt.Errorf("read the log of machine %s: %w", c.Machine, err)
		}
		if _, err := a.out.Write(clean.Clean([]byte(text))); err != nil {
			return err
		}
		if from = next; !c.Follow {
			return nil
		}
		select {
		case <-time.After(logPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// knows opens the database, and refuses a machine that is not in it.
func (a *app) knows(ctx context.Context, machine metal.MachineID) (*postgres.Store, error) {
	store, err := a.database(ctx)
	if err != nil {
		return nil, err
	}
	_, err = store.Queries().GetMachine(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
	}
	return store, err
}

type hardwareCommand struct {
	Machine metal.MachineID `arg:"" help:"The machine."`
}

// Run prints an inventory.
func (c hardwareCommand) Run(ctx context.Context, a *app) error {
	store, err := a.knows(ctx, c.Machine)
	if err != nil {
		return err
	}
	body, at, err := store.Inventory(ctx, c.Machine)
	if err != nil {
		return fmt.Errorf("read the inventory of machine %s: %w", c.Machine, err)
	}
	if body == nil {
		return fmt.Errorf("machine %s: no agent has looked at it yet; it is read at each of its boots", c.Machine)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, body, "", "  "); err != nil {
		return err
	}
	fmt.Fprintf(a.errs, "as of %s\n", moment(at))
	_, err = fmt.Fprintln(a.out, text.String())
	return err
}

type certificatesCommand struct {
	Device  metal.DeviceID  `arg:"" optional:"" help:"The device's ID."`
	Machine metal.MachineID `env:"-" help:"Those of this machine instead, whoever lived there."`
	Folder  string          `env:"-" type:"path" help:"Write each as a file of its own here, with the public key beside it, to be checked with openssl." placeholder:"DIR"`
}

// Run shows certificates whose signatures it has checked.
func (c certificatesCommand) Run(ctx context.Context, a *app) error {
	if (c.Device == "") == (c.Machine == "") {
		return usage(errors.New("name a device, or a machine with --machine"))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	read := func() ([]metal.KeptCertificate, error) { return store.Certificates(ctx, c.Device) }
	if c.Machine != "" {
		read = func() ([]metal.KeptCertificate, error) { return store.MachineCertificates(ctx, c.Machine) }
	}
	kept, err := read()
	if err != nil {
		return fmt.Errorf("read certificates: %w", err)
	}
	t := &table{columns: []string{"serial", "model", "mode", "method", "grade", "verified", "ended_at", "machine", "device", "boot", "key"}}
	for _, k := range kept {
		said, err := c.genuine(ctx, store, k)
		if err != nil {
			return err
		}
		t.add(said.Serial, said.Model, said.Mode, said.Method, said.Grade, said.Verified.String(), said.Ended, k.Machine, k.Device, k.Boot, k.Key[:16])
	}
	return t.print(a.out, a.Output)
}

// genuine is what a certificate says, once its signature holds.
func (c certificatesCommand) genuine(ctx context.Context, store *postgres.Store, k metal.KeptCertificate) (erasure.Certificate, error) {
	text, err := store.CertificateKey(ctx, k.Key)
	if err != nil {
		return erasure.Certificate{}, err
	}
	public, err := erasure.ParsePublicKey(text)
	if err != nil {
		return erasure.Certificate{}, fmt.Errorf("key %s: %w", k.Key, err)
	}
	signed := erasure.Signed{Payload: string(k.Body), Key: k.Key, Signature: k.Signature}
	said, err := public.Verify(signed)
	if err != nil {
		return said, fmt.Errorf("disk %s of machine %s, boot %d: %w", k.Serial, k.Machine, k.Boot, err)
	}
	if c.Folder == "" {
		return said, nil
	}
	body, err := json.MarshalIndent(signed, "", "  ")
	if err != nil {
		return said, err
	}
	name := fmt.Sprintf("%s-boot-%d-%s.json", k.Machine, k.Boot, harmlessName(k.Serial))
	return said, errors.Join(
		os.WriteFile(filepath.Join(c.Folder, name), append(body, '\n'), 0o644),
		os.WriteFile(filepath.Join(c.Folder, k.Key+".pem"), text, 0o644))
}

// harmlessName is a disk's serial as part of a file name.
func harmlessName(serial string) string {
	name := []rune(serial)
	for i, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			name[i] = '_'
		}
	}
	return string(name)
}

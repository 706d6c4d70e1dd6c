package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"millwright/internal/vault"
)

type secretsCommand struct {
	Init   secretsInit   `cmd:"" help:"Make the keyset: the keys that passwords of BMCs are sealed with in the database. Never overwrites one."`
	Rotate secretsRotate `cmd:"" help:"Add a key, which seals from now on. The older ones still open."`
	Reseal secretsReseal `cmd:"" help:"Seal with the newest key what an older one sealed. Safe to repeat."`
	Status secretsStatus `cmd:"" help:"Which keys there are, and how much each seals; every row is opened to see that it can be. Exits 1 if one cannot."`
	Drop   secretsDrop   `cmd:"" help:"Forget the older keys that seal nothing any more. Backups of the database that need them cannot be opened after that."`
	Show   secretsShow   `cmd:"" help:"Print the password of a machine's BMC, for who has to log in to it by hand."`
	Keep   secretsKeep   `cmd:"" help:"Say that a BMC has the password of a file now: it was reset, or is another one."`
}

// keysetFlags say where the keys lie. Workers look in the same place.
type keysetFlags struct {
	Keyset      string `type:"path" placeholder:"FILE" help:"Where the keys lie; keyset.json in the credentials folder where none is given."`
	Credentials string `type:"path" default:"/etc/millwright/credentials" help:"Folder of credentials, as the worker has it."`
}

func (k keysetFlags) file() string {
	return cmp.Or(k.Keyset, filepath.Join(k.Credentials, vault.FileName))
}

func (k keysetFlags) open() (*vault.Vault, error) {
	v, err := vault.Open(k.file())
	if err == nil {
		_, err = v.Keys() // a keyset that is not there is an error here
	}
	return v, err
}

type secretsInit struct {
	keysetFlags
}

// Run says once what has to be done beside.
func (c secretsInit) Run(a *app) error {
	id, err := vault.Create(c.file())
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"file": c.file(), "key": id})
	}
	fmt.Fprintf(a.out, initAdvice, c.file(), id)
	return nil
}

const initAdvice = `%[1]s has the key %[2]s.

Keep a copy of it, and not beside the backups of the database: without it no
BMC whose password was changed can be logged in to, and with both everybody can.
Every worker that speaks to BMCs, and starter where machines are enrolled, need
the same file: readable by the user they run as, and by nobody else.
`

type secretsRotate struct {
	keysetFlags
}

// Run leaves the rows to reseal: workers need the file first.
func (c secretsRotate) Run(a *app) error {
	id, err := vault.Rotate(c.file())
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"file": c.file(), "key": id})
	}
	fmt.Fprintf(a.out, rotateAdvice, c.file(), id)
	return nil
}

const rotateAdvice = `%[1]s has the new key %[2]s, which seals from now on.

Copy the file to every other machine where it lies, and keep a copy. It is read
again by what runs. Then:

    starter secrets reseal
    starter secrets drop      once no backup is kept that older keys sealed
`

type secretsReseal struct {
	keysetFlags
}

// Run goes over all rows once; rows that change meanwhile are sealed with the
// newest key by who changes them.
func (c secretsReseal) Run(ctx context.Context, a *app) error {
	v, err := c.open()
	if err != nil {
		return err
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	done, err := v.Reseal(ctx, store)
	if err != nil {
		return errors.Join(err, fmt.Errorf("%d rows were sealed anew; see starter secrets status", done))
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"resealed": done})
	}
	fmt.Fprintf(a.out, "rows sealed anew: %d\n", done)
	return nil
}

type secretsStatus struct {
	keysetFlags
}

// Run fails where a row cannot be opened, so that a timer can watch it.
func (c secretsStatus) Run(ctx context.Context, a *app) error {
	counts, err := c.counts(ctx, a)
	if err != nil {
		return err
	}
	bad := 0
	t := table{columns: []string{"key", "newest", "rows", "cannot_be_opened", "problem"}}
	for _, n := range counts {
		closed, problem := n.Broken, ""
		switch {
		case n.Absent && n.Key.ID == 0:
			closed, problem = n.Rows, "not sealed by us"
		case n.Absent:
			closed, problem = n.Rows, "the file does not have this key; put back a copy that has"
		case n.Broken > 0:
			problem = "damaged, or another machine's"
		}
		bad += closed
		t.add(n.Key.ID, n.Key.Newest, n.Rows, closed, problem)
	}
	if err := t.print(a.out, a.Output); err != nil || bad == 0 {
		return err
	}
	fmt.Fprintf(a.errs, "starter: rows that cannot be opened: %d\n", bad)
	return errSaid
}

func (k keysetFlags) counts(ctx context.Context, a *app) ([]vault.Count, error) {
	v, err := k.open()
	if err != nil {
		return nil, err
	}
	store, err := a.database(ctx)
	if err != nil {
		return nil, err
	}
	return v.Status(ctx, store)
}

type secretsDrop struct {
	keysetFlags
}

// Run drops what is idle, and says which keys are not.
func (c secretsDrop) Run(ctx context.Context, a *app) error {
	counts, err := c.counts(ctx, a)
	if err != nil {
		return err
	}
	var idle []vault.KeyID
	var names, busy []string
	for _, n := range counts {
		switch {
		case n.Key.Newest || n.Absent:
		case n.Rows > 0:
			busy = append(busy, fmt.Sprintf("%s (%d rows)", n.Key.ID, n.Rows))
		default:
			idle, names = append(idle, n.Key.ID), append(names, n.Key.ID.String())
		}
	}
	if len(idle) > 0 {
		if err := vault.Drop(c.file(), idle...); err != nil {
			return err
		}
	}
	if a.Output == "json" {
		if err := printJSON(a.out, map[string]any{"dropped": append([]vault.KeyID{}, idle...)}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.out, "keys dropped: %s\n", cmp.Or(strings.Join(names, ", "), "none"))
	}
	if len(busy) > 0 {
		return fmt.Errorf("still seals something: %s; run: starter secrets reseal", strings.Join(busy, ", "))
	}
	return nil
}

package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/vault"
)

// firstPassword is what BMCs come in with, by a file of the operator's.
const firstPassword = "first-of-all"

// finds is what looks at a machine find, by look.
type finds map[metal.Look][]metal.Finding

// keeping registers what keeps machines fit: real vault and store, and this
// world's BMCs, whose machines find what their box says.
func (w *world) keeping(env registry) {
	env.RegisterActivity(&activities.Aside{Store: w.store})
	env.RegisterActivity(&activities.Fitness{Store: w.store, Judge: judge{w}})
	env.RegisterActivity(&activities.Guard{Store: w.store, BMC: bmc{w}, Judge: judge{w},
		Passwords: vault.Rotation{Vault: w.vault(), Rows: w.store}, Credentials: w.credentials().Get})
	env.RegisterActivity(&activities.Firmware{Store: w.store, BMC: bmc{w}, Images: images{}})
	env.RegisterActivity(&activities.Patrol{Store: w.store, BMC: bmc{w}, Judge: judge{w}})
	env.RegisterActivity(&activities.Enrol{Store: w.store, BMC: bmc{w},
		Passwords: vault.Rotation{Vault: w.vault(), Rows: w.store}, Credentials: w.credentials().Get})
}

// keyset is made once for a world.
type keyset struct {
	once sync.Once
	path string
}

func (w *world) vault() *vault.Vault {
	w.keys.once.Do(func() {
		w.keys.path = filepath.Join(w.t.TempDir(), "keyset.json")
		_, err := vault.Create(w.keys.path)
		require.NoError(w.t, err)
	})
	v, err := vault.Open(w.keys.path)
	require.NoError(w.t, err)
	return v
}

func (w *world) credentials() vault.Credentials {
	return vault.Credentials{Vault: w.vault(), Rows: w.store, Files: func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{User: "admin", Password: firstPassword}, nil
	}}
}

// opens refuses who has not the BMC's password.
func (b bmc) opens(ctx context.Context, m metal.BMC) (*box, error) {
	cred, err := b.credentials().Get(ctx, m.Credential)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	box := b.boxes[m.Machine]
	if err := box.reach(m); err != nil {
		return box, err
	}
	if box.password == "" {
		box.password = firstPassword
	}
	if cred.Password != box.password {
		return box, fmt.Errorf("machine %s: log in: %w", m.Machine, metal.ErrBadCredentials)
	}
	return box, nil
}

func (b bmc) SetPassword(ctx context.Context, m metal.BMC, next metal.Credential) error {
	box, err := b.opens(ctx, m)
	if err == nil {
		b.mu.Lock()
		box.password = next.Password
		b.mu.Unlock()
		err = b.answer()
	}
	return err
}

// Secure mends what a tenant did.
func (b bmc) Secure(ctx context.Context, m metal.BMC, _ metal.BMCWish) ([]metal.Finding, error) {
	box, err := b.opens(ctx, m)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	found := box.finds[metal.LookBMC]
	delete(box.finds, metal.LookBMC)
	return found, nil
}

func (b bmc) Read(ctx context.Context, m metal.BMC, _ string) (metal.Reading, error) {
	box, err := b.opens(ctx, m)
	if err != nil {
		return metal.Reading{}, err
	}
	power, err := b.Power(ctx, m)
	if box.mute {
		return metal.Reading{}, fmt.Errorf("machine %s: no answer", m.Machine)
	}
	return metal.Reading{Machine: m.Machine, At: time.Now(), Power: power}, err
}

func (b bmc) Identify(_ context.Context, address string, cred metal.Credential) (metal.MachineIdentity, error) {
	if cred.Password != firstPassword {
		return metal.MachineIdentity{}, fmt.Errorf("BMC %s: log in: %w", address, metal.ErrBadCredentials)
	}
	if b.nobody {
		return metal.MachineIdentity{}, fmt.Errorf("BMC %s: no route to host", address)
	}
	return metal.MachineIdentity{Protocol: metal.Redfish, Serial: "SN-" + address, Vendor: "Lab", Model: "L1",
		MACs: []string{fmt.Sprintf("02:ff:00:00:%02x:%02x", b.n/256, b.n%256)}}, nil
}

// judge says what the boxes say.
type judge struct{ *world }

func (judge) Serial(json.RawMessage) string { return "" }

func (j judge) Compare(d metal.Declared, _ json.RawMessage) []metal.Finding {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.boxes[d.Machine].finds[metal.LookCompare]
}

func (j judge) Reading(r metal.Reading, _ map[string]string) []metal.Finding {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.boxes[r.Machine].finds[metal.LookPatrol]
}

func (bmc) ClearLog(context.Context, metal.BMC) error  { return nil }
func (bmc) ColdReset(context.Context, metal.BMC) error { return nil }

// images gives whatever is asked for.
type images struct{}

func (images) Fetch(_ context.Context, url, _ string) (metal.FirmwareImage, func(), error) {
	return metal.FirmwareImage{Name: url}, func() {}, nil
}

// flash is a machine's firmware, and what becomes of an update.
type flash struct {
	has, kept string // the version, and the one to go back to; empty: none
	next      string // what an update makes of it
	looks     int    // of an update under way
	fails     bool   // the BMC says so
}

func (b bmc) flash(m metal.BMC) *flash {
	box := b.boxes[m.Machine]
	if box.flash == nil {
		box.flash = &flash{has: "1.0", kept: "0.9", next: "2.0"}
	}
	return box.flash
}

func (b bmc) Firmware(_ context.Context, m metal.BMC) ([]metal.FirmwareVersion, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return []metal.FirmwareVersion{{Component: "bios", Version: b.flash(m).has}}, nil
}

func (b bmc) BeginUpdate(_ context.Context, m metal.BMC, _ string, _ metal.FirmwareImage) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flash(m).looks = 3
	return "update", nil
}

func (b bmc) UpdateStatus(_ context.Context, m metal.BMC, task string) (metal.UpdateProgress, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.flash(m)
	if f.looks--; f.looks > 0 {
		return metal.UpdateProgress{State: metal.UpdateRunning}, nil
	}
	if task == "back" {
		f.has = f.kept
		return metal.UpdateProgress{State: metal.UpdateDone}, nil
	}
	if f.fails {
		return metal.UpdateProgress{State: metal.UpdateFailed, Detail: "ImageCorrupt"}, nil
	}
	f.has, f.kept = f.next, f.has
	return metal.UpdateProgress{State: metal.UpdateDone}, nil
}

func (b bmc) Rollback(_ context.Context, m metal.BMC, _ string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.flash(m)
	if f.kept == "" {
		return "", metal.ErrUnsupported
	}
	f.looks = 2
	return "back", nil
}

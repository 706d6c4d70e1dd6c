package main

import (
	"cmp"
	"path/filepath"

	"millwright/internal/postgres"
	"millwright/internal/secrets"
	"millwright/internal/vault"
)

// passwords finds what BMCs are logged in to with: passwords that we made and
// sealed, and files for all others. A worker without a keyset does its work
// until it meets a machine whose password was changed.
func passwords(cfg Config, files secrets.Folder, store *postgres.Store) (vault.Credentials, error) {
	v, err := vault.Open(cmp.Or(cfg.Keyset, filepath.Join(cfg.Credentials, vault.FileName)))
	return vault.Credentials{Vault: v, Rows: store, Files: files.Get}, err
}

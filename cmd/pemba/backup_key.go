package main

import (
	"fmt"
	"os"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/backup"
)

// backupKeyJSON is a new key for backups as data.
type backupKeyJSON struct {
	Key       string `json:"key"`
	PublicKey string `json:"publicKey"`
}

func backupKeyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Make a key for the sealed documents of backups",
		Long: `Makes a random key and prints it as a file of keys: a comment with its public half, and
the key. Keep it where the backups are not: whoever has both reads the sealed documents,
and without the key nobody does. To make backups the public half is enough, alone in a
file.`,
		Example: "  pemba backup key > backup.key\n  grep -o 'age1.*' backup.key > backup.pub\n  pemba backup create monday.backup --backup-key backup.pub",
		Args:    exactly(0, ""),
		RunE: func(*cobra.Command, []string) error {
			k, err := age.GenerateX25519Identity()
			if err != nil {
				return err
			}
			secret, public := k.String(), k.Recipient().String()
			return a.one([]string{"key", "publicKey"}, item{
				text:  fmt.Sprintf("# created: %s\n# public key: %s\n%s", time.Now().UTC().Format(time.RFC3339), public, secret),
				cells: []string{secret, public},
				value: backupKeyJSON{secret, public},
			})
		},
	}
}

const backupKeyFlag = "backup-key"

// backupKeyOf declares --backup-key and returns what reads its file.
func backupKeyOf(c *cobra.Command, usage string) func() (backup.Key, error) {
	var name string
	c.Flags().StringVar(&name, backupKeyFlag, os.Getenv("PEMBA_BACKUP_KEY"), usage+" (or PEMBA_BACKUP_KEY)")
	return func() (backup.Key, error) {
		if name == "" {
			return backup.Key{}, nil
		}
		return readBackupKey(name)
	}
}

// readBackupKey reads the file that --backup-key names.
func readBackupKey(name string) (backup.Key, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return backup.Key{}, fmt.Errorf("--%s: %w", backupKeyFlag, err)
	}
	k, err := backup.ParseKey(string(text))
	if err != nil {
		return k, usagef("--%s %s: %w", backupKeyFlag, name, err)
	}
	return k, nil
}

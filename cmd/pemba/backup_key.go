package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"
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

// backupKey is what --backup-key names. The zero value is no key.
type backupKey struct {
	secret *age.X25519Identity // nil: it is only the public half
	public string              // "": there is no key
}

const backupKeyFlag = "backup-key"

// backupKeyOf declares --backup-key and returns what reads its file.
func backupKeyOf(c *cobra.Command, usage string) func() (backupKey, error) {
	var name string
	c.Flags().StringVar(&name, backupKeyFlag, os.Getenv("PEMBA_BACKUP_KEY"), usage+" (or PEMBA_BACKUP_KEY)")
	return func() (backupKey, error) {
		if name == "" {
			return backupKey{}, nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return backupKey{}, fmt.Errorf("--%s: %w", backupKeyFlag, err)
		}
		k, err := parseBackupKey(string(text))
		if err != nil {
			return k, usagef("--%s %s: %w", backupKeyFlag, name, err)
		}
		return k, nil
	}
}

// parseBackupKey reads a file with one key, or with the public half of one. Lines
// with # are comments.
func parseBackupKey(text string) (k backupKey, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if k.public != "" {
			return backupKey{}, errors.New("the file holds more than one key; leave one in it")
		}
		if strings.HasPrefix(line, "age1") {
			_, err = age.ParseX25519Recipient(line)
			k.public = line
		} else if k.secret, err = age.ParseX25519Identity(line); err == nil {
			k.public = k.secret.Recipient().String()
		}
		if err != nil { // whose text may hold a part of the key
			return backupKey{}, errors.New("the file holds something else than a key that `pemba backup key` makes")
		}
	}
	if k.public == "" {
		return k, errors.New("the file holds no key; `pemba backup key` makes one")
	}
	return k, nil
}

// opens returns why the key does not open the sealed documents of a backup, nil if
// it does.
func (k backupKey) opens(head *backupHead) error {
	whose := ""
	if head.BackupKey != "" {
		whose = " with the public half " + head.BackupKey
	}
	switch {
	case k.public == "":
		return &coded{exitRefused, fmt.Errorf("the backup holds sealed documents: give --%s FILE, with the key%s", backupKeyFlag, whose)}
	case k.secret == nil:
		return &coded{exitRefused, fmt.Errorf("the backup holds sealed documents, and --%s names only the public half of a key: give the key itself", backupKeyFlag)}
	case head.BackupKey != "" && head.BackupKey != k.public:
		return &coded{exitRefused, fmt.Errorf("the backup is encrypted to another key: give the one%s", whose)}
	}
	return nil
}

package backup

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
)

// Key is the key of sealed documents. The zero value is no key.
type Key struct {
	Secret *age.X25519Identity // nil: it is only the public half
	Public string              // "": there is no key
}

// KeyError refuses a backup for the key, or for the lack of one.
type KeyError struct{ msg string }

func (e *KeyError) Error() string { return e.msg }

// ParseKey reads a file with one key, or with the public half of one. Lines
// with # are comments.
func ParseKey(text string) (k Key, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if k.Public != "" {
			return Key{}, errors.New("the file holds more than one key; leave one in it")
		}
		if strings.HasPrefix(line, "age1") {
			_, err = age.ParseX25519Recipient(line)
			k.Public = line
		} else if k.Secret, err = age.ParseX25519Identity(line); err == nil {
			k.Public = k.Secret.Recipient().String()
		}
		if err != nil { // whose text may hold a part of the key
			return Key{}, errors.New("the file holds something else than a key that `pemba backup key` makes")
		}
	}
	if k.Public == "" {
		return k, errors.New("the file holds no key; `pemba backup key` makes one")
	}
	return k, nil
}

// opens returns why the key does not open the sealed documents of a backup, nil if
// it does.
func (k Key) opens(head *Head) error {
	whose := ""
	if head.BackupKey != "" {
		whose = " with the public half " + head.BackupKey
	}
	switch {
	case k.Public == "":
		return &KeyError{fmt.Sprintf("the backup holds sealed documents: give --%s FILE, with the key%s", keyFlag, whose)}
	case k.Secret == nil:
		return &KeyError{fmt.Sprintf("the backup holds sealed documents, and --%s names only the public half of a key: give the key itself", keyFlag)}
	case head.BackupKey != "" && head.BackupKey != k.Public:
		return &KeyError{fmt.Sprintf("the backup is encrypted to another key: give the one%s", whose)}
	}
	return nil
}

const keyFlag = "backup-key"

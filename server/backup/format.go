package backup

import (
	"encoding/json"
	"strconv"
)

// Format is the number of the format that this version writes. It reads those
// before it as well: format 1 had no documents and no history, format 2 no sealed
// documents and no chains.
const Format = 3

// Head is the first line of a backup.
type Head struct {
	Format   int    `json:"pembaBackup"`
	Revision string `json:"revision"`          // its token
	Number   string `json:"number,omitempty"`  // the revision as people say it
	Cluster  string `json:"cluster,omitempty"` // that it is of
	Epoch    uint64 `json:"epoch,omitempty"`
	Time     string `json:"time,omitempty"` // when it was made
	Schema   string `json:"schema"`

	BackupKey string `json:"backupKey,omitempty"` // the public half of the key that opens its sealed documents
}

// Name is the revision for people.
func (h *Head) Name() string {
	if h.Number != "" {
		return h.Number
	}
	return h.Revision
}

// Line is the line of a document, or of a part of the sealed ones, which are a file
// of age that lies in several lines.
type Line struct {
	Document *Document `json:"document,omitempty"`
	Sealed   []byte    `json:"sealed,omitempty"`

	Count int64 `json:"-"` // on the way into a backup: sealed documents that end with this part
}

// Document is a document, as data.
type Document struct {
	Key   string          `json:"key"`
	Chain string          `json:"chain,omitempty"` // of which it is a record
	Value json.RawMessage `json:"value"`

	Sealed bool `json:"-"`
}

// End is the last line of a backup.
type End struct {
	Relationships int64  `json:"relationships"`
	Documents     int64  `json:"documents,omitempty"` // open ones
	Sealed        int64  `json:"sealed,omitempty"`    // sealed documents
	SHA256        string `json:"sha256"`              // of all lines before
}

// counted returns "1 document", "2 documents".
func counted(n int64, noun string) string {
	text := strconv.FormatInt(n, 10) + " " + noun
	if n == 1 {
		return text
	}
	return text + "s"
}

package backup

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	stamp         = "20060102T150405.000Z"
	ending        = ".backup"
	suspectEnd    = ".suspect"
	unfinishedEnd = ".pemba-new"
)

// named are the names that NewName makes, and what becomes of them.
var named = regexp.MustCompile(`^pemba-\d{8}T\d{6}\.\d{3}Z\.backup(\.suspect|\.pemba-new)?$`)

// NewName returns the path of a new backup in a directory, named by the time. Where one
// of that millisecond is there, or under way, or was set aside, it takes the next that is
// free: no backup replaces another. Two processes that ask at the same moment may still
// get the same; what they write together does not verify.
func NewName(dir string, now time.Time) string {
	for ; ; now = now.Add(time.Millisecond) {
		name := filepath.Join(dir, "pemba-"+now.UTC().Format(stamp)+ending)
		if !taken(name) && !taken(name+suspectEnd) && !taken(name+unfinishedEnd) {
			return name
		}
	}
}

// taken reports whether a file is there. One that cannot be looked at is not: whoever
// writes it will be told why.
func taken(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// Suspect sets aside a backup that does not verify.
func Suspect(name string) error { return os.Rename(name, name+suspectEnd) }

// Prune removes the backups of a directory that are too old, but for the newest so
// many, suspect ones but for the newest, and what was never finished, and returns how
// many it removed. Files with other names stay.
func Prune(dir string, keep int) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var good, suspect, old []string
	for _, e := range entries {
		switch name := e.Name(); {
		case !named.MatchString(name):
		case strings.HasSuffix(name, ending):
			good = append(good, name)
		case strings.HasSuffix(name, suspectEnd):
			suspect = append(suspect, name)
		default:
			old = append(old, name)
		}
	}
	slices.Sort(good) // by time
	slices.Sort(suspect)
	old = append(old, good[:max(0, len(good)-keep)]...)
	old = append(old, suspect[:max(0, len(suspect)-1)]...)
	var faults []error
	for _, name := range old {
		faults = append(faults, os.Remove(filepath.Join(dir, name)))
	}
	return len(old), errors.Join(faults...)
}

// Entry is a backup in a directory.
type Entry struct {
	Name    string // of its file
	Bytes   int64
	Time    time.Time // when it was made, as far as it says so; else of the file
	Head    Head      // without the schema
	Suspect bool
	Fault   string // why the first line cannot be read
}

// List returns the backups of a directory, the newest first, at most so many, and
// how many there are beyond those. It reads no more than their first lines.
func List(dir string, most int) (all []Entry, more int, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, f := range files {
		if !f.Type().IsRegular() || !IsBackup(f.Name()) {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, os.ErrNotExist) { // it was just removed
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		all = append(all, Entry{Name: f.Name(), Bytes: info.Size(), Time: info.ModTime().UTC(), Suspect: strings.HasSuffix(f.Name(), suspectEnd)})
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Name, a.Name)) })
	if n := len(all) - most; n > 0 {
		all, more = all[:most], n
	}
	for i := range all {
		all[i].read(dir)
	}
	return all, more, nil
}

// IsBackup reports whether a file's name is that of a backup.
func IsBackup(name string) bool {
	return filepath.Base(name) == name && strings.HasSuffix(strings.TrimSuffix(name, suspectEnd), ending)
}

// Look returns what the first line of one backup of a directory says.
func Look(dir, name string) (Entry, error) {
	info, err := os.Lstat(filepath.Join(dir, name))
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Name: name, Bytes: info.Size(), Time: info.ModTime().UTC(), Suspect: strings.HasSuffix(name, suspectEnd)}
	e.read(dir)
	return e, nil
}

func (e *Entry) read(dir string) {
	head, err := readHead(filepath.Join(dir, e.Name))
	if err != nil {
		e.Fault = err.Error()
		return
	}
	e.Head = head
	if at, err := time.Parse(time.RFC3339, head.Time); err == nil {
		e.Time = at
	}
}

// readHead reads the first line up to the schema, which may be long.
func readHead(name string) (Head, error) {
	f, err := os.Open(name)
	if err != nil {
		return Head{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	const most = 4 << 10             // bytes before the schema
	dec := json.NewDecoder(bufio.NewReader(io.LimitReader(f, most)))
	var h Head
	fields := map[string]any{
		"pembaBackup": &h.Format, "revision": &h.Revision, "number": &h.Number, "cluster": &h.Cluster, "epoch": &h.Epoch, "time": &h.Time,
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return h, errors.New("it is no backup")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil || key == "schema" {
			break
		}
		to, ok := fields[fmt.Sprint(key)]
		if !ok {
			to = new(any)
		}
		if err := dec.Decode(to); err != nil {
			return h, errors.New("its first line is not that of a backup")
		}
	}
	if h.Format == 0 {
		return h, errors.New("its first line is not that of a backup")
	}
	return h, nil
}

// Schedule is what a schedule says of itself in its directory.
type Schedule struct {
	Every     string    `json:"every"`
	Keep      int       `json:"keep"`
	LastRun   time.Time `json:"lastRun"`             // when it began
	LastError string    `json:"lastError,omitempty"` // "": it was good
}

const scheduleFile = "pemba-schedule.json"

// WriteSchedule writes what a schedule says of itself.
func WriteSchedule(dir string, s Schedule) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return Whole(filepath.Join(dir, scheduleFile), func(f io.Writer) error {
		_, err := f.Write(append(data, '\n'))
		return err
	})
}

// ReadSchedule returns what a schedule said of itself last, and the time between its
// backups; ok is false when there was none.
func ReadSchedule(dir string) (s Schedule, every time.Duration, ok bool, err error) {
	data, err := os.ReadFile(filepath.Join(dir, scheduleFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, 0, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err == nil {
		every, err = time.ParseDuration(s.Every)
	}
	if err != nil {
		return s, 0, false, fmt.Errorf("%s: %w", scheduleFile, err)
	}
	return s, every, true, nil
}

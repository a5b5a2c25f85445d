package store

import "path/filepath"

// Internals is what the database says of itself.
type Internals struct {
	Levels    []Level // of tables, from the newest
	Memtables int     // in use or waiting to become tables; 0 in memory, where they are not told
	Stall     int     // tables in level 0 from which on writes wait for compaction
}

// Level is one level of the database's tables.
type Level struct {
	Tables     int
	Bytes      int64
	StaleBytes int64   // of versions that nobody can read any more
	Score      float64 // from 1 on the level is due to be compacted
}

// internals asks the database.
func (b *backend) internals() Internals {
	in := Internals{Stall: b.db.Opts().NumLevelZeroTablesStall}
	for _, l := range b.db.Levels() {
		in.Levels = append(in.Levels, Level{Tables: l.NumTables, Bytes: l.Size, StaleBytes: l.StaleDatSize, Score: l.Score})
	}
	if b.dir != "" {
		if logs, err := filepath.Glob(filepath.Join(b.dir, walPattern)); err == nil {
			in.Memtables = len(logs)
		}
	}
	return in
}

// Package session keeps sessions of browsers and tokens of machines: who came in,
// how, from where, and until when. They are sealed documents, so every member of
// the cluster knows them, and nobody can watch or export them. A token is random and
// is stored only as its SHA-256.
//
// The package refuses to know who may come in, what a password is, and how a token
// travels. Whoever begins or ends a session writes the updates that it returns in a
// transaction of his own, beside what else belongs to it.
//
// Start reading at record.go; keeper.go notes when sessions were used, and forgets
// those that are over.
package session

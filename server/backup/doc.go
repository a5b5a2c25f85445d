// Package backup reads, writes and judges backups: files of text, with a line that
// says of what, the sealed documents encrypted to a key, a line for each open
// document and each relationship, and a line with their numbers and a checksum.
//
// It takes what goes into a backup from whoever has it, and hands out what is in one.
// It knows no store and no server. It also knows how backups lie in a directory, and
// what a schedule says of itself there.
//
// Begin with format.go; write.go and read.go are the two ways, verify.go says whether
// a store would take a backup, directory.go is about many of them.
package backup

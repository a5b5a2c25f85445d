package replica

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"

	"github.com/pemba-authz/pemba/server/store"
)

// history names one past: revisions of different histories do not compare.
type history struct {
	cluster uint64 // chosen at random when the cluster was made; never 0
	epoch   uint64 // counts restores and recoveries, from 1
}

const (
	tokenFormat   = 1
	tokenChecksum = 4 // bytes
	tokenHeader   = 1 + 8
)

var checksums = crc32.MakeTable(crc32.Castagnoli)

// token returns the printed form of a revision: format, cluster, epoch,
// revision and a checksum, at most 44 characters.
func (h history) token(rev store.Revision) string {
	buf := make([]byte, 0, 40)
	buf = append(buf, tokenFormat)
	buf = binary.BigEndian.AppendUint64(buf, h.cluster)
	buf = binary.AppendUvarint(buf, h.epoch)
	buf = binary.AppendUvarint(buf, uint64(rev))
	buf = binary.BigEndian.AppendUint32(buf, crc32.Checksum(buf, checksums))
	return base64.RawURLEncoding.EncodeToString(buf)
}

// parse reads a token back. A *TokenError says what is wrong with it.
func (h history) parse(token string) (store.Revision, error) {
	garbage := &TokenError{Fault: TokenGarbage}
	buf, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(buf) < tokenHeader+2+tokenChecksum || buf[0] != tokenFormat {
		return 0, garbage
	}
	if base64.RawURLEncoding.EncodeToString(buf) != token { // line ends, which decoding ignores
		return 0, garbage
	}
	body, sum := buf[:len(buf)-tokenChecksum], buf[len(buf)-tokenChecksum:]
	if crc32.Checksum(body, checksums) != binary.BigEndian.Uint32(sum) {
		return 0, garbage
	}
	cluster := binary.BigEndian.Uint64(body[1:])
	epoch, n := binary.Uvarint(body[tokenHeader:])
	if n <= 0 {
		return 0, garbage
	}
	rev, m := binary.Uvarint(body[tokenHeader+n:])
	if m <= 0 || tokenHeader+n+m != len(body) || rev == 0 {
		return 0, garbage
	}
	switch {
	case cluster != h.cluster:
		return 0, &TokenError{Fault: TokenOtherCluster}
	case epoch != h.epoch:
		return 0, &TokenError{Fault: TokenOtherHistory}
	}
	return store.Revision(rev), nil
}

package replica

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// What the library takes without a word is looked for here: it goes on with the
// transaction before the last when the page that names the last one is damaged,
// and goes round for ever when a page stands below itself. The layout is that of
// version 2 of bbolt's files; numbers are in the byte order of the machine.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeaderSize  = 16 // id 8, flags 2, elements 2, further pages 4
	pageElementSize = 16 // of a branch: position 4, key size 4, page 8; of a leaf: flags 4, position 4, key size 4, value size 4
	branchPage      = 0x01
	leafPage        = 0x02
	bucketElement   = 0x01

	metaSize = 64 // magic 4, version 4, page size 4, flags 4, root 8, sequence 8, freelist 8, pages 8, transaction 8, checksum 8
)

// logPages are those of the file of a log.
type logPages struct {
	file io.ReaderAt
	size int // of one, in bytes
	end  uint64
	seen map[uint64]bool
}

// logMeta is what the file says of one transaction.
type logMeta struct{ root, pages, transaction uint64 }

// check returns what is wrong, nil if nothing is.
func (p *logPages) check() error {
	var metas [2]*logMeta
	for i := range metas {
		m, err := p.meta(i)
		if err != nil {
			return err
		}
		metas[i] = m
	}
	older, newer := metas[0], metas[1]
	if older.transaction > newer.transaction {
		older, newer = newer, older
	}
	if older.transaction+1 != newer.transaction {
		return fmt.Errorf("its meta pages are those of transactions %d and %d, which do not follow each other: what was written last may be missing", older.transaction, newer.transaction)
	}
	p.end, p.seen = newer.pages, map[uint64]bool{}
	return p.tables(newer.root)
}

// meta reads one of the two meta pages, which transactions write in turn.
func (p *logPages) meta(id int) (*logMeta, error) {
	b := make([]byte, metaSize)
	if _, err := p.file.ReadAt(b, int64(id*p.size+pageHeaderSize)); err != nil {
		return nil, err
	}
	at, order := len(b)-8, binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:at])
	if order.Uint32(b) != boltMagic || order.Uint32(b[4:]) != boltVersion || order.Uint64(b[at:]) != sum.Sum64() {
		return nil, fmt.Errorf("its meta page %d is not as it was written: what was written last may be missing", id)
	}
	return &logMeta{root: order.Uint64(b[16:]), pages: order.Uint64(b[40:]), transaction: order.Uint64(b[48:])}, nil
}

// tables visits the tree of the tables, and that of each.
func (p *logPages) tables(root uint64) error {
	return p.walk(root, func(leaf []byte) error {
		order := binary.NativeEndian
		for i := range int(order.Uint16(leaf[10:])) {
			at := pageHeaderSize + i*pageElementSize
			if at+pageElementSize > len(leaf) {
				return io.ErrUnexpectedEOF
			}
			e := leaf[at:]
			value := uint64(order.Uint32(e[4:])) + uint64(order.Uint32(e[8:]))
			if order.Uint32(e)&bucketElement == 0 {
				continue
			}
			if value+8 > uint64(len(e)) {
				return io.ErrUnexpectedEOF
			}
			if table := order.Uint64(e[value:]); table != 0 { // else it is small, and stands here
				if err := p.walk(table, nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// walk visits the pages of one tree, the leaves with what is in them when that is
// asked for. A page that is met again is none of a tree.
func (p *logPages) walk(root uint64, leaf func([]byte) error) error {
	for next := []uint64{root}; len(next) > 0; {
		id := next[len(next)-1]
		next = next[:len(next)-1]
		if id < 2 || id >= p.end || p.seen[id] {
			return fmt.Errorf("page %d is pointed to from where it cannot be", id)
		}
		p.seen[id] = true
		header, err := p.read(id, pageHeaderSize)
		if err != nil {
			return err
		}
		order := binary.NativeEndian
		flags, elements, further := order.Uint16(header[8:]), int(order.Uint16(header[10:])), uint64(order.Uint32(header[12:]))
		switch {
		case flags == branchPage:
			page, err := p.read(id, pageHeaderSize+elements*pageElementSize)
			if err != nil {
				return err
			}
			for at := pageHeaderSize; at < len(page); at += pageElementSize {
				next = append(next, order.Uint64(page[at+8:]))
			}
		case flags != leafPage || further >= p.end-id:
			return fmt.Errorf("page %d is none that can be there", id)
		case leaf != nil:
			page, err := p.read(id, p.size*int(1+further))
			if err == nil {
				err = leaf(page)
			}
			if err != nil {
				return fmt.Errorf("page %d: %w", id, err)
			}
		}
	}
	return nil
}

func (p *logPages) read(id uint64, size int) ([]byte, error) {
	b := make([]byte, size)
	_, err := p.file.ReadAt(b, int64(id)*int64(p.size))
	return b, err
}

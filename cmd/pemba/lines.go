package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// maxLine bounds a line of an input, in bytes. The longest relationship that
// can be stored is far shorter.
const maxLine = 1 << 20

// inputLine is a line that holds something.
type inputLine struct {
	number int // from 1
	text   string
	cut    bool // the input ends here without a newline
}

// fault names the line in an error of its content. A line that ends with the
// input and without a newline was probably cut off.
func (l inputLine) fault(err error) error {
	if l.cut {
		return fmt.Errorf("line %d: %w (the input ends inside this line: was it cut short?)", l.number, err)
	}
	return fmt.Errorf("line %d: %w", l.number, err)
}

// readLines gives the lines of an input, trimmed, without blank ones and those
// that begin with "//". An error ends it; the line it came with has the number.
func readLines(r io.Reader) iter.Seq2[inputLine, error] {
	return func(yield func(inputLine, error) bool) {
		in := bufio.NewReaderSize(r, maxLine)
		for number := 1; ; number++ {
			data, err := in.ReadSlice('\n')
			l := inputLine{number: number, cut: err == io.EOF}
			if err != nil && err != io.EOF {
				if errors.Is(err, bufio.ErrBufferFull) {
					err = refusedf("line %d is longer than %d bytes", number, maxLine)
				}
				yield(l, err)
				return
			}
			if number == 1 {
				data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
			}
			l.text = strings.TrimSpace(string(data))
			if l.text != "" && !strings.HasPrefix(l.text, "//") {
				var fault error
				if !utf8.ValidString(l.text) {
					fault = refusedf("%w", l.fault(errors.New("not UTF-8 text")))
				}
				if !yield(l, fault) || fault != nil {
					return
				}
			}
			if l.cut {
				return
			}
		}
	}
}

package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressEvery is how often a bar is drawn at most.
const progressEvery = 100 * time.Millisecond

// progress shows how far long work is, on stderr and only if that is a
// terminal. A nil progress shows nothing.
type progress struct{ bar *progressbar.ProgressBar }

// progress starts a bar; a total of -1 is not known beforehand.
func (a *app) progress(total int64, what string) *progress { return a.newProgress(total, what, false) }

// byteProgress is progress in bytes.
func (a *app) byteProgress(total int64, what string) *progress {
	return a.newProgress(total, what, true)
}

func (a *app) newProgress(total int64, what string, bytes bool) *progress {
	if !isTerminal(a.stderr) {
		return nil
	}
	rate := progressbar.OptionShowIts()
	if bytes {
		rate = progressbar.OptionShowBytes(true)
	}
	return &progress{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		rate,
		progressbar.OptionThrottle(progressEvery),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""),
	)}
}

// set says that done of total is done.
func (p *progress) set(done, total int64) {
	if p != nil {
		p.bar.ChangeMax64(total)
		_ = p.bar.Set64(done)
	}
}

func (p *progress) add(n int64) {
	if p != nil {
		// A bar that cannot be drawn is no reason to stop.
		_ = p.bar.Add64(n)
	}
}

// each says that one more is done.
func (p *progress) each() error {
	p.add(1)
	return nil
}

func (p *progress) finish() {
	if p != nil {
		_ = p.bar.Finish()
	}
}

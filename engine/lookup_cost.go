package engine

// LookupCost is what a lookup took, in questions to the Reader.
type LookupCost struct {
	Candidates int // that were found; of a search that failed, the sets that were come across
	Finding    int // reads that it took to find them, checks on the way among them
	Checks     int // candidates that had to be checked
	Checking   int // reads that these checks took

	Slowest      string // the candidate whose check took the most reads; "" when none was checked
	SlowestReads int
}

// collected notes what finding candidates took.
func (c *LookupCost) collected(candidates, reads int) {
	if c != nil {
		c.Candidates, c.Finding = candidates, reads
	}
}

// checked notes what the check of one candidate took.
func (c *LookupCost) checked(id string, reads int) {
	if c == nil {
		return
	}
	c.Checks++
	c.Checking += reads
	if c.Slowest == "" || reads > c.SlowestReads {
		c.Slowest, c.SlowestReads = id, reads
	}
}

package portal

import (
	"context"
	"time"
)

// choresEvery is how often the leader removes what nobody needs any more.
const choresEvery = time.Hour

// chores removes records of audit logs that are older than the policies of their
// companies say, and what is over of the sign-ins, on the member that leads.
func (p *Portal) chores() {
	tick := time.NewTicker(choresEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if p.replica.Status().Leader {
				p.retainAll(p.ctx)
				if err := p.Sweep(p.ctx); err != nil && p.ctx.Err() == nil {
					p.log.Warn("what is over stays for now", "error", err)
				}
			}
		case <-p.ctx.Done():
			return
		}
	}
}

// retainAll applies the retention of every company. What fails is tried again in an
// hour.
func (p *Portal) retainAll(ctx context.Context) {
	l, err := p.list(ctx)
	if err != nil {
		p.log.Warn("old records of audit logs were not removed", "error", err)
		return
	}
	var ids []string
	for id := range l.directory.companies {
		ids = append(ids, id)
	}
	l.close()
	for _, id := range ids {
		if err := p.retain(ctx, id); err != nil && ctx.Err() == nil {
			p.log.Warn("old records of an audit log were not removed", "company", id, "error", err)
		}
	}
}

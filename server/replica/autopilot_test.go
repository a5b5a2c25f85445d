package replica

import "testing"

// TestPilotOfBefore: what was learned of members that are others by now says
// nothing of what all members know.
func TestPilotOfBefore(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.found(3)
		leader := g.leader()
		for _, missing := range []int{1, 0} {
			c := leader.survey(t.Context(), nil)
			c.Version = 0 // which all know to be old
			c.Members = c.Members[missing:]
			before := leader.node.raft.LastIndex()
			if err := leader.pilot(c, map[string]*watched{}); err != nil {
				t.Fatal(err)
			}
			if acted := leader.node.raft.LastIndex() > before; acted != (missing == 0) {
				t.Errorf("with %d members missing it acted: %v", missing, acted)
			}
		}
	})
}

package engine_test

import (
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
)

func TestMemoryIsAReader(t *testing.T) {
	enginetest.TestReader(t, func(_ *testing.T, rels []engine.Relationship) engine.Reader {
		return engine.NewMemory(rels...)
	})
}

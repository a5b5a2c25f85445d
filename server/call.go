package server

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/authzed/authzed-go/pkg/responsemeta"
	"google.golang.org/grpc/metadata"

	"github.com/pemba-authz/pemba/engine"
)

// call is what the steps of one call tell one another.
type call struct {
	id     string // of the request
	method string
	start  time.Time
	who    Identity // set by authentication
	trace  string   // of the walk, for a slow check

	waited atomic.Int64           // nanoseconds that a stream has waited for its caller
	lookup atomic.Pointer[search] // that was slow

	checked bool // it is a check that was answered
	reads   int  // that the answer took
	recalls int  // of answers that it took, beside them
}

// answered notes what the answer of a check took.
func (c *call) answered(a engine.Answer) {
	if c != nil {
		c.checked, c.reads, c.recalls = true, a.Reads-a.Recalls, a.Recalls
	}
}

// busy returns how long the server has been at work for the call: a stream
// lasts as long as its caller wants, and what it waits is not counted.
func (c *call) busy() time.Duration {
	return time.Since(c.start) - time.Duration(c.waited.Load())
}

// trailer is what every caller is told beside the response. It is made at once:
// gRPC copies what it has with every addition. Nothing is dispatched to other
// nodes; what is counted as that is reads, and what was kept of earlier answers
// as cached.
func (c *call) trailer() metadata.MD {
	values := []string{c.id, "", ""} // one list that others are parts of
	id := values[:1:1]
	md := make(metadata.MD, 4)
	md[string(responsemeta.RequestID)], md[string(responsemeta.RequestIDLegacy)] = id, id
	if c.checked {
		values[1], values[2] = strconv.Itoa(c.reads), strconv.Itoa(c.recalls)
		md[string(responsemeta.DispatchedOperationsCount)] = values[1:2:2]
		md[string(responsemeta.CachedOperationsCount)] = values[2:]
	}
	return md
}

type callKey struct{}

// callContext is the context of a call, and the call itself.
type callContext struct {
	context.Context
	call call
}

// Value implements context.Context.
func (c *callContext) Value(key any) any {
	if key == (callKey{}) {
		return &c.call
	}
	return c.Context.Value(key)
}

// callOf returns the call that ctx belongs to, nil for none.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// requestID returns the id of the request that ctx belongs to, "" for none.
func requestID(ctx context.Context) string {
	if c := callOf(ctx); c != nil {
		return c.id
	}
	return ""
}

// caller returns the name of who makes the call, "" for nobody.
func caller(ctx context.Context) string {
	if c := callOf(ctx); c != nil {
		return c.who.Name
	}
	return ""
}

package server

import (
	"context"
	"fmt"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
)

// CheckBulkPermissions answers many checks at one revision and one time. A
// check that cannot be answered fails alone.
func (p *permissionsService) CheckBulkPermissions(ctx context.Context, r *v1.CheckBulkPermissionsRequest) (*v1.CheckBulkPermissionsResponse, error) {
	if len(r.Items) > p.limits.Checks {
		return nil, tooMany(v1.ErrorReason_ERROR_REASON_TOO_MANY_CHECKS_IN_REQUEST, "check", len(r.Items), p.limits.Checks)
	}
	b := &bulk{Server: p.Server, traced: r.WithTracing, left: maxTracedReads}
	if err := b.convert(r.Items); err != nil {
		return nil, err
	}
	a, err := p.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	ctx, end := p.room(ctx, "engine.Check")
	err = b.answer(ctx, a)
	end()
	if err != nil {
		return nil, err
	}
	return &v1.CheckBulkPermissionsResponse{CheckedAt: a.token(), Pairs: b.responses(r.Items)}, nil
}

// bulk is the work of one bulk check.
type bulk struct {
	*Server
	traced bool
	left   int // reads that traced checks may still do
	schema int // bytes of the schemas in the traces so far
	items  []bulkItem
	groups []bulkGroup
}

// bulkGroup is what shares its work: the items about one subject under one
// context, in their order.
type bulkGroup struct {
	key         bulkKey
	values      map[string]any // the context
	first, last int            // of its items
}

type bulkKey struct {
	subject engine.Subject
	context string // encoded
}

// bulkItem is one check, and its answer. These lie side by side, as the pairs of
// the response do: one by one they would cost more than the answers.
type bulkItem struct {
	question checkQuestion
	next     int // item of its group; 0: it is the last

	pair   v1.CheckBulkPermissionsPair
	answer v1.CheckBulkPermissionsPair_Item
	body   v1.CheckBulkPermissionsResponseItem
}

// convert puts every item into its group, and refuses the request for one that
// is malformed.
func (b *bulk) convert(items []*v1.CheckBulkPermissionsRequestItem) error {
	b.items = make([]bulkItem, len(items))
	var known map[bulkKey]int // the groups, once there are two
	latest := -1
	for i, item := range items {
		q, err := toCheck(item)
		if err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		b.items[i].question = q
		key := bulkKey{subject: q.subject}
		if key.context, err = encodeContext(item.Context); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		if latest < 0 || b.groups[latest].key != key {
			at, ok := known[key]
			if !ok {
				if latest, err = b.group(i, key, item.Context); err != nil {
					return fmt.Errorf("item %d: %w", i, err)
				}
				if latest == 1 {
					known = make(map[bulkKey]int, len(items))
					known[b.groups[0].key] = 0
				}
				if latest > 0 {
					known[key] = latest
				}
				continue
			}
			latest = at
		}
		g := &b.groups[latest]
		b.items[g.last].next, g.last = i, i
	}
	return nil
}

// group makes the group of an item and returns its index.
func (b *bulk) group(item int, key bulkKey, context *structpb.Struct) (int, error) {
	values, err := toContext(context, b.limits.Context)
	if err != nil {
		return 0, err
	}
	b.groups = append(b.groups, bulkGroup{key: key, values: values, first: item, last: item})
	return len(b.groups) - 1, nil
}

// encodeContext returns a text that is the same for the same context.
func encodeContext(s *structpb.Struct) (string, error) {
	if s == nil {
		return "", nil
	}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(s)
	if err != nil {
		return "", invalid("context: %w", err)
	}
	return string(text), nil
}

// answer answers every item.
func (b *bulk) answer(ctx context.Context, a *asked) error {
	group := *a
	for i := range b.groups {
		g := &b.groups[i]
		group.engine.Context = g.values
		if err := b.answerGroup(ctx, &group, g); err != nil {
			return err
		}
	}
	return nil
}

func (b *bulk) answerGroup(ctx context.Context, a *asked, g *bulkGroup) error {
	checker := a.engine.Checker(ctx, g.key.subject)
	defer checker.Release()
	for i := g.first; ; i = b.items[i].next {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.answerItem(ctx, a, checker, &b.items[i]); err != nil {
			return err
		}
		if i == g.last {
			return nil
		}
	}
}

// answerItem answers one item. It returns an error only for one that is not the
// item's own.
func (b *bulk) answerItem(ctx context.Context, a *asked, checker *engine.Checker, item *bulkItem) error {
	q := &item.question
	var answer engine.Answer
	var err error
	if b.traced {
		answer, item.body.DebugTrace, err = b.explainItem(ctx, a, *q)
	} else {
		answer, err = checker.Check(q.resource, q.permission)
	}
	b.checked(answer, err)
	if err == nil {
		item.body.Permissionship, item.body.PartialCaveatInfo = fromState(answer.State), fromMissing(answer.Missing)
		item.answer.Item = &item.body
		item.pair.Response = &item.answer
		return nil
	}
	v, known := classify(err)
	if !known || ctx.Err() != nil {
		return err
	}
	item.pair.Response = &v1.CheckBulkPermissionsPair_Error{Error: v.status(err.Error()).Proto()}
	return nil
}

// responses returns the pairs of the response.
func (b *bulk) responses(items []*v1.CheckBulkPermissionsRequestItem) []*v1.CheckBulkPermissionsPair {
	pairs := make([]*v1.CheckBulkPermissionsPair, len(items))
	for i := range b.items {
		b.items[i].pair.Request = items[i]
		pairs[i] = &b.items[i].pair
	}
	return pairs
}

// explainItem answers one check with its trace, within what is left to the
// traces of the request.
func (b *bulk) explainItem(ctx context.Context, a *asked, q checkQuestion) (engine.Answer, *v1.DebugInformation, error) {
	if b.left <= 0 {
		return engine.Answer{}, nil, &engine.LimitError{What: "relationship reads for traced checks", Limit: maxTracedReads}
	}
	within := *a
	within.engine.Limits.Reads = b.left
	answer, trace, err := b.explain(ctx, &within, q)
	if err != nil {
		return engine.Answer{}, nil, err
	}
	b.left -= answer.Reads
	if b.schema += len(trace.SchemaUsed); b.schema > len(trace.SchemaUsed) && b.schema > maxTracedSchemas {
		trace.SchemaUsed = "" // it is that of the first
	}
	return answer, trace, nil
}

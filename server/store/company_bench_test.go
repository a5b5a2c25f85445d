package store

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
	"github.com/pemba-authz/pemba/schema"
)

var benchSizes = flag.String("sizes", "10000,100000", "relationships in the stores that BenchmarkCompany measures")

// BenchmarkCompany measures the customer's schema at several sizes of the store,
// which lies on disk: import, checks, lookups, and memory. Checks are cold (no
// cache, every read goes to Badger), they load the cache, they are walked over
// sets that are all in memory, or they are asked again. Random ones are each
// asked once and for all, or again.
func BenchmarkCompany(b *testing.B) {
	for size := range strings.SplitSeq(*benchSizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < enginetest.PerCompany {
			b.Fatalf("-sizes: %q is not a number of at least %d", size, enginetest.PerCompany)
		}
		b.Run(size, func(b *testing.B) { benchCompanies(b, n/enginetest.PerCompany) })
	}
}

func benchCompanies(b *testing.B, companies int) {
	dir := b.TempDir()
	b.Run("import", func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		for b.Loop() {
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
			importCompanies(b, dir, companies)
		}
	})
	if _, err := os.Stat(filepath.Join(dir, "FORMAT")); err != nil {
		importCompanies(b, dir, companies) // the import was not asked for
	}
	b.Run("check_cold", func(b *testing.B) {
		benchChecks(b, Config{Dir: dir, CacheBytes: -1}, companies, cold)
	})
	b.Run("check_loading", func(b *testing.B) {
		benchChecks(b, Config{Dir: dir, CacheBytes: 1 << 20}, companies, cold)
	})
	b.Run("check_walked", func(b *testing.B) {
		benchChecks(b, Config{Dir: dir, CacheBytes: 1 << 30}, 1, walked)
	})
	b.Run("check_again", func(b *testing.B) {
		benchChecks(b, Config{Dir: dir, CacheBytes: 1 << 30}, 1, again)
	})
	b.Run("check_random", func(b *testing.B) { benchRandom(b, dir, companies) })
	b.Run("lookup", func(b *testing.B) { benchLookups(b, dir) })
	b.Run("scan", func(b *testing.B) { benchScan(b, dir) })
}

func importCompanies(b *testing.B, dir string, companies int) {
	s, err := Open(Config{Dir: dir, CacheBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "portal", "schema.zed"))
	if err != nil {
		b.Fatal(err)
	}
	schemaText := string(text)
	apply(b, s, &Transaction{Schema: &schemaText})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	done, err := s.Import(context.Background(), withoutErrors(enginetest.Companies(companies)), ImportOptions{Time: testTime})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(done.Relationships)/time.Since(start).Seconds(), "relationships/s")
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(done.Relationships), "heap-B/relationship")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(diskBytes(b, dir)/float64(done.Relationships), "disk-B/relationship")
}

func withoutErrors(seq iter.Seq[engine.Relationship]) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		for r := range seq {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// diskBytes counts the blocks that are really taken: Badger's files are sparse.
func diskBytes(b *testing.B, dir string) float64 {
	var sum float64
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			sum += blocks(info)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return sum
}

// benchEngine opens the store at its head.
func benchEngine(b *testing.B, c Config) *engine.Engine {
	s, err := Open(c)
	if err != nil {
		b.Fatal(err)
	}
	sn, err := s.Snapshot(0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		sn.Close()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	})
	text, err := sn.Schema()
	if err != nil {
		b.Fatal(err)
	}
	return &engine.Engine{Schema: text, Reader: sn, Now: testTime}
}

// heat is what is in memory when a check is asked.
type heat int

const (
	cold   heat = iota // what the size of the cache allows
	walked             // all sets, and no answers
	again              // the answer
)

// forgetful is a Keeper that keeps no answers.
type forgetful struct{ *Snapshot }

type forgetfulKeeper struct{ engine.Keeper }

func (f forgetful) Keeper() engine.Keeper { return forgetfulKeeper{f.Snapshot.Keeper()} }

func (forgetfulKeeper) Recall(*schema.Relation, string, *engine.Subject, engine.Mark) (engine.Kept, bool) {
	return engine.Kept{}, false
}

func (forgetfulKeeper) Keep(*schema.Relation, string, *engine.Subject, engine.Mark, engine.Kept) {}

// benchChecks asks the probes of companies at random; unless cold, each once before.
func benchChecks(b *testing.B, c Config, companies int, h heat) {
	e := benchEngine(b, c)
	if h == walked {
		e.Reader = forgetful{e.Reader.(*Snapshot)}
	}
	ctx := context.Background()
	random := rand.New(rand.NewPCG(1, 2))
	for i, p := range enginetest.Probes(0) {
		b.Run(p.Name, func(b *testing.B) {
			ask := func(company int) int {
				p := enginetest.Probes(company)[i]
				a, err := e.Check(ctx, p.Resource, p.Relation, p.Subject)
				if err != nil || a.State != p.Want {
					b.Fatal(p, a, err)
				}
				return a.Reads
			}
			reads := 0
			if h == cold {
				for b.Loop() {
					reads = ask(random.IntN(companies))
				}
				b.ReportMetric(float64(reads), "reads/op")
				return
			}
			ask(0)
			b.ReportAllocs()
			for b.Loop() {
				a, err := e.Check(ctx, p.Resource, p.Relation, p.Subject)
				if err != nil || a.State != p.Want {
					b.Fatal(a, err)
				}
				reads = a.Reads
			}
			b.ReportMetric(float64(reads), "reads/op")
		})
	}
}

// benchRandom asks for rights of random users of a company on its diagrams, with
// all sets in memory: each question for the first time, without and with what
// other questions left behind, and then questions that were asked before.
func benchRandom(b *testing.B, dir string, companies int) {
	companies = min(companies, 3)
	e := benchEngine(b, Config{Dir: dir, CacheBytes: 64 << 20})
	kept := e.Reader.(*Snapshot)
	ask := func(b *testing.B, n int) int {
		const users, diagrams = 1000, 1200
		permission := [...]string{"view", "comment", "save"}[n%3]
		company := n / 3 % companies
		n = n / 3 / companies * 7919 % (users * diagrams) // prime, so that none comes twice
		resource := engine.Object{Type: "diagram", ID: fmt.Sprintf("c%d_diagram_%d", company, n%diagrams)}
		user := engine.Subject{Object: engine.Object{Type: "user", ID: fmt.Sprintf("c%d_user_%d", company, n/diagrams)}}
		a, err := e.Check(context.Background(), resource, permission, user)
		if err != nil {
			b.Fatal(err)
		}
		return a.Reads
	}
	next := 0
	for _, k := range []struct {
		name   string
		reader engine.Reader
		asked  int // different questions; 0: as many as are asked
	}{{"walked", forgetful{kept}, 0}, {"first", kept, 0}, {"again", kept, 4096}} {
		b.Run(k.name, func(b *testing.B) {
			e.Reader = k.reader
			for i := range max(k.asked, 4096) {
				ask(b, next+i)
			}
			b.ReportAllocs()
			reads, n := 0, 0
			for b.Loop() {
				if k.asked > 0 {
					reads += ask(b, next+n%k.asked)
				} else {
					reads += ask(b, next+4096+n)
				}
				n++
			}
			next += 4096 + n
			b.ReportMetric(float64(reads)/float64(b.N), "reads/op")
		})
	}
}

// benchLookups measures results a second: of lookups whose candidates need no
// check, and of the portal's, whose do.
func benchLookups(b *testing.B, dir string) {
	e := benchEngine(b, Config{Dir: dir, CacheBytes: 1 << 30})
	ctx := context.Background()
	p := enginetest.Probes(0)
	administrator, draft := p[2].Subject, p[2].Resource
	company := engine.Object{Type: "company", ID: "c0_company_0"}
	for _, l := range []struct {
		name string
		run  func() (int, error)
	}{
		{"resources_sure", func() (int, error) {
			return countResources(e.LookupResources(ctx, "subscription", "participant", p[1].Subject, ""))
		}},
		{"resources_portal", func() (int, error) {
			return countResources(e.LookupResources(ctx, "diagram", "view", administrator, ""))
		}},
		{"subjects_sure", func() (int, error) {
			return countSubjects(e.LookupSubjects(ctx, company, "pool_user", "user", "", ""))
		}},
		{"subjects_portal", func() (int, error) {
			return countSubjects(e.LookupSubjects(ctx, draft, "view", "user", "", ""))
		}},
	} {
		b.Run(l.name, func(b *testing.B) {
			results := 0
			for b.Loop() {
				n, err := l.run()
				if err != nil || n == 0 {
					b.Fatal(n, err)
				}
				results += n
			}
			b.ReportMetric(float64(results)/b.Elapsed().Seconds(), "results/s")
			b.ReportMetric(float64(results)/float64(b.N), "results/op")
		})
	}
}

func countResources(seq iter.Seq2[engine.Resource, error]) (n int, err error) {
	for _, err := range seq {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func countSubjects(seq iter.Seq2[engine.SubjectResult, error]) (n int, err error) {
	for _, err := range seq {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// benchScan reads every relationship of a snapshot.
func benchScan(b *testing.B, dir string) {
	e := benchEngine(b, Config{Dir: dir, CacheBytes: -1})
	sn := e.Reader.(*Snapshot)
	n := 0
	for b.Loop() {
		for _, err := range sn.Relationships(context.Background(), Filter{}, nil) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "relationships/s")
}

// Many direct tuples of one resource, for lookups and checks of a wide set.
func BenchmarkWide(b *testing.B) {
	const n = 100_000
	s := open(b, Config{InMemory: true})
	text := "definition user {}\ndefinition document {\n\trelation viewer: user\n\tpermission view = viewer\n}"
	apply(b, s, &Transaction{Schema: &text})
	wide := func(yield func(engine.Relationship, error) bool) {
		for i := range n {
			r := engine.Relationship{
				Resource: engine.Object{Type: "document", ID: "wide"}, Relation: "viewer",
				Subject: engine.Subject{Object: engine.Object{Type: "user", ID: fmt.Sprintf("user_%06d", i)}},
			}
			back := r
			back.Resource.ID, back.Subject.ID = fmt.Sprintf("document_%06d", i), "everywhere"
			if !yield(r, nil) || !yield(back, nil) {
				return
			}
		}
	}
	if _, err := s.Import(context.Background(), wide, ImportOptions{Time: testTime}); err != nil {
		b.Fatal(err)
	}
	sn, err := s.Snapshot(0)
	if err != nil {
		b.Fatal(err)
	}
	defer sn.Close()
	compiled, err := sn.Schema()
	if err != nil {
		b.Fatal(err)
	}
	e := &engine.Engine{Schema: compiled, Reader: sn, Now: testTime}
	ctx := context.Background()
	document := engine.Object{Type: "document", ID: "wide"}
	user := engine.Subject{Object: engine.Object{Type: "user", ID: "user_050000"}}
	b.Run("check_warm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if a, err := e.Check(ctx, document, "view", user); err != nil || a.State != engine.Yes {
				b.Fatal(a, err)
			}
		}
	})
	b.Run("lookup_subjects", func(b *testing.B) {
		for b.Loop() {
			if got, err := countSubjects(e.LookupSubjects(ctx, document, "view", "user", "", "")); err != nil || got != n {
				b.Fatal(got, err)
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "results/s")
	})
	b.Run("lookup_resources", func(b *testing.B) {
		everywhere := engine.Subject{Object: engine.Object{Type: "user", ID: "everywhere"}}
		for b.Loop() {
			if got, err := countResources(e.LookupResources(ctx, "document", "view", everywhere, "")); err != nil || got != n {
				b.Fatal(got, err)
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "results/s")
	})
}

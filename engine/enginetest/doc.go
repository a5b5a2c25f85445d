// Package enginetest proves an engine right without trusting it: an
// independent Reference evaluator, random worlds to ask both about, a shrinker
// that makes a failing world small, and a suite that every engine.Reader must
// pass.
//
// It is imported by tests alone. The Reference must stay another algorithm than
// the engine's walk: it computes every set bottom-up from the syntax tree, and
// decides caveats without CEL. So nothing here calls engine.Check, schema.Compile
// or engine/caveat. Start reading at world.go, then reference.go.
package enginetest

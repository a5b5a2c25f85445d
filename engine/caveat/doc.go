// Package caveat compiles and evaluates caveats: conditions on relationships,
// written in CEL. It implements schema.CaveatCompiler and schema.Program, so
// that no other package needs to know CEL.
//
// It refuses to know what a caveat is attached to: it sees parameters, a body
// and a context. Combining the verdicts of several caveats is the engine's.
//
// A context is JSON. Each parameter's value is coerced to the parameter's type
// (value.go) before anything is evaluated, so a wrong type is an error even
// where the body would not have looked. A parameter that neither context has
// is unknown to CEL: the verdict is schema.Unknown only where the values that
// are known do not decide it.
//
// The same body and context give the same answer on every machine and in every
// run: maps are walked in the order of their keys (ordered.go), and the limits
// count work, not time. Nothing is taken from the machine: time zones have a
// database of their own (zones.go), as those of two machines may differ.
//
// Start reading at compile.go, then program.go.
package caveat

package caveat

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

// CostLimit is how much one evaluation may cost, in CEL's units: about one for
// each operation, and a tenth for each character that is looked at.
const CostLimit = 1_000_000

// ValueLimit is how large a value may become while a caveat is evaluated: the
// values and characters in it, counted all the way down.
const ValueLimit = 1_000_000

// newBase builds the environment that all caveats share.
func newBase() (*cel.Env, error) {
	return cel.NewEnv(append(zoneFunctions(),
		cel.EagerlyValidateDeclarations(true),
		cel.EnableMacroCallTracking(), // so that bodies can be printed
		cel.DefaultUTCTimeZone(true),
		cel.OptionalTypes(cel.OptionalTypesVersion(optionalVersion)),
		cel.CostModelVersion(costVersion),
		cel.CostSizingStrategy(cost.AggregateSizingStrategy(sizing()...)),
		cel.CostModel(functionCosts()...),
		cel.ParserExpressionSizeLimit(MaxBody),
		cel.ParserRecursionLimit(maxNesting),
		cel.RegexProgramSizeLimit(maxRegexProgram),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateRegexLiterals(),
		),
		inCIDRFunction(),
		isSubtreeOfFunction(),
	)...)
}

// Pinned, so that a newer CEL library does not change what a caveat means.
const (
	optionalVersion = 3
	costVersion     = 1
	maxRegexProgram = 10_000
	maxNesting      = 250
)

// newProgram plans the evaluation of a body. builds is whether the body makes
// lists or maps of values: only such a body can make a value much larger than
// its context, by putting one value into another many times.
func newProgram(env *cel.Env, checked *cel.Ast, builds bool) (cel.Program, error) {
	opts := []cel.ProgramOption{
		cel.CustomDecoratorV2(sortMapLiterals),
		cel.EvalOptions(cel.OptOptimize),
		cel.CostLimit(CostLimit),
	}
	if builds {
		// CEL charges for an operation after it is done, so what one operation can
		// be given is limited as well. Values that a loop makes are measured every
		// so often, as measuring them each time costs more than making them.
		const interval = 64
		opts = append(opts, cel.MemoryLimit(ValueLimit), cel.MemoryTracking(
			types.MemoryTrackerSizeCalculator(types.NewSizeCalculator(sizing()...)),
			types.MemoryTrackerSampleInterval(interval)))
	}
	return env.Program(checked, opts...)
}

// sizing makes the size of a value the number of values and characters in it,
// counted all the way down.
func sizing() []types.SizeCalculatorOption {
	return []types.SizeCalculatorOption{
		types.SizeCalculatorStringUnitLength(1),
		types.SizeCalculatorMaxDepth(ValueLimit),
		types.SizeCalculatorMaxTraversal(ValueLimit),
	}
}

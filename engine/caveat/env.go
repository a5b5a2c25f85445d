package caveat

import (
	"cel.dev/cel-go/cel"
)

// CostLimit is how much one evaluation may cost, in CEL's units: about one for
// each operation, and a tenth for each character that is looked at.
const CostLimit = 1_000_000

// newBase builds the environment that all caveats share.
func newBase() (*cel.Env, error) {
	return cel.NewEnv(
		cel.EagerlyValidateDeclarations(true),
		cel.EnableMacroCallTracking(), // so that bodies can be printed
		cel.DefaultUTCTimeZone(true),
		cel.OptionalTypes(cel.OptionalTypesVersion(optionalVersion)),
		cel.CostModelVersion(costVersion),
		cel.ParserExpressionSizeLimit(MaxBody),
		cel.RegexProgramSizeLimit(maxRegexProgram),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateRegexLiterals(),
		),
		inCIDRFunction(),
		isSubtreeOfFunction(),
	)
}

// Pinned, so that a newer CEL library does not change what a caveat means.
const (
	optionalVersion = 3
	costVersion     = 1
	maxRegexProgram = 10_000
)

func newProgram(env *cel.Env, checked *cel.Ast) (cel.Program, error) {
	return env.Program(checked,
		cel.CustomDecoratorV2(sortMapLiterals),
		cel.EvalOptions(cel.OptOptimize),
		cel.CostLimit(CostLimit),
	)
}

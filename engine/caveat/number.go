package caveat

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// numberText returns the decimal text of a number in any of the Go types that
// decoders use; ok is false for everything else.
func numberText(v any) (s string, ok bool) {
	switch v := v.(type) {
	case json.Number:
		return string(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case uint64:
		return strconv.FormatUint(v, 10), true
	}
	return "", false
}

// numeric is numberText, and strings as they are.
func numeric(v any) (s string, ok bool) {
	if s, ok := v.(string); ok {
		return s, true
	}
	return numberText(v)
}

func toInt(v any) (ref.Val, *mismatch) {
	n, bad := integer(v)
	if bad != nil {
		bad.want = strings.Replace(bad.want, "integer", "int", 1)
		return nil, bad
	}
	return types.Int(n), nil
}

func toUint(v any) (ref.Val, *mismatch) {
	n, bad := integer(v)
	switch {
	case bad != nil:
		bad.want = strings.NewReplacer("integer", "uint", "-9223372036854775808", "0").Replace(bad.want)
		return nil, bad
	case n < 0:
		return nil, &mismatch{want: "uint, which is never negative", got: describe(v)}
	}
	return types.Int(n), nil
}

// integer takes numbers and decimal strings without a fraction, within 64 bits
// and a sign.
func integer(v any) (int64, *mismatch) {
	switch v := v.(type) {
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	case float64:
		// The bounds are exact as doubles; the upper one is just out of range.
		if v == math.Trunc(v) && v >= math.MinInt64 && v < -math.MinInt64 {
			return int64(v), nil
		}
	}
	s, ok := numeric(v)
	if !ok {
		return 0, &mismatch{want: "integer", got: describe(v)}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	d, ok := parseDecimal(s)
	switch {
	case !ok:
		return 0, &mismatch{want: "integer", got: describe(v)}
	case d.exp < 0:
		return 0, &mismatch{want: "integer, without a fraction", got: describe(v)}
	}
	n, ok := d.int64()
	if !ok {
		return 0, &mismatch{want: "integer, between -9223372036854775808 and 9223372036854775807", got: describe(v)}
	}
	return n, nil
}

func toDouble(v any) (ref.Val, *mismatch) {
	if f, ok := v.(float64); ok && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return types.Double(f), nil
	}
	s, ok := numeric(v)
	if ok {
		_, ok = parseDecimal(s) // refuses what ParseFloat knows beyond decimals
	}
	if !ok {
		return nil, &mismatch{want: "double", got: describe(v)}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, &mismatch{want: "double, within its range", got: describe(v)}
	}
	return types.Double(f), nil
}

// decimal is the number digits × 10^exp, exactly: digits has no zeros at
// either end and is empty for 0, whose exp is 0.
type decimal struct {
	negative bool
	digits   string
	exp      int
}

// parseDecimal reads [+-] digits [. digits] [e [+-] digits]. Digits may be
// missing on one side of the point.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
		if exponent == "" {
			return d, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return d, false
	}
	exp, ok := parseExponent(exponent)
	if !ok {
		return d, false
	}
	digits := whole + fraction
	trimmed := strings.TrimRight(digits, "0")
	d.digits = strings.TrimLeft(trimmed, "0")
	if d.digits != "" {
		d.exp = exp - len(fraction) + len(digits) - len(trimmed)
	}
	return d, true
}

// parseExponent returns numbers beyond ±10^9 as that: the answer is the same.
func parseExponent(s string) (int, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if len(s)-len(digits) > 1 || !allDigits(digits) || digits == "" && s != "" {
		return 0, false
	}
	const limit = 1_000_000_000
	n := 0
	for i := range len(digits) {
		n = min(n*10+int(digits[i]-'0'), limit)
	}
	if strings.HasPrefix(s, "-") {
		n = -n
	}
	return n, true
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// int64 returns a decimal with exp ≥ 0; ok is false when it is out of range.
func (d decimal) int64() (n int64, ok bool) {
	const most = 19 // digits of an int64
	if len(d.digits)+d.exp > most {
		return 0, false
	}
	s := d.digits + strings.Repeat("0", d.exp)
	if s == "" {
		return 0, true
	}
	if d.negative {
		s = "-" + s
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

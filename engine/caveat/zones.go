package caveat

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// inZone returns the functions that read a part of a timestamp, with the overload
// of each that is given a time zone.
func inZone() [][2]string {
	return [][2]string{
		{overloads.TimeGetFullYear, overloads.TimestampToYearWithTz},
		{overloads.TimeGetMonth, overloads.TimestampToMonthWithTz},
		{overloads.TimeGetDayOfYear, overloads.TimestampToDayOfYearWithTz},
		{overloads.TimeGetDayOfMonth, overloads.TimestampToDayOfMonthZeroBasedWithTz},
		{overloads.TimeGetDate, overloads.TimestampToDayOfMonthOneBasedWithTz},
		{overloads.TimeGetDayOfWeek, overloads.TimestampToDayOfWeekWithTz},
		{overloads.TimeGetHours, overloads.TimestampToHoursWithTz},
		{overloads.TimeGetMinutes, overloads.TimestampToMinutesWithTz},
		{overloads.TimeGetSeconds, overloads.TimestampToSecondsWithTz},
		{overloads.TimeGetMilliseconds, overloads.TimestampToMillisecondsWithTz},
	}
}

// zoneFunctions makes the functions refuse zones by name. CEL looks names up in
// the machine's time zone database, and two machines may have two of them.
func zoneFunctions() []cel.EnvOption {
	var options []cel.EnvOption
	for _, f := range inZone() {
		function, overload := f[0], f[1]
		options = append(options, cel.Function(function, cel.MemberOverload(overload,
			[]*cel.Type{cel.TimestampType, cel.StringType}, cel.IntType,
			cel.BinaryBinding(func(at, zone ref.Val) ref.Val {
				t, ok := at.(types.Timestamp)
				text, okText := zone.(types.String)
				if !ok || !okText {
					return types.MaybeNoSuchOverloadErr(at)
				}
				if err := checkZone(string(text)); err != nil {
					return types.WrapErr(err)
				}
				return t.Receive(function, overload, []ref.Val{text})
			}))))
	}
	return options
}

// checkZone refuses what is no offset from UTC.
func checkZone(zone string) error {
	if zone == "UTC" {
		return nil
	}
	if strings.Contains(zone, ":") {
		epoch := types.Timestamp{Time: time.Unix(0, 0)}
		if got := epoch.Receive(overloads.TimeGetHours, overloads.TimestampToHoursWithTz, []ref.Val{types.String(zone)}); !types.IsError(got) {
			return nil
		}
		return fmt.Errorf("%s is not an offset from UTC such as \"+02:00\"", describe(zone))
	}
	return fmt.Errorf("%s is not a time zone that means the same on every machine: give an offset from UTC such as \"+02:00\", or \"UTC\"", describe(zone))
}

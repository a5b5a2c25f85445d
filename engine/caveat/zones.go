package caveat

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
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

// zoneFunctions makes the functions take zones from zoneinfo.zip. CEL looks names
// up in the machine's time zone database, and two machines may have two of them.
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
				if strings.Contains(string(text), ":") {
					if err := checkZone(string(text)); err != nil {
						return types.WrapErr(err)
					}
					return t.Receive(function, overload, []ref.Val{text})
				}
				in, err := location(string(text))
				if err != nil {
					return types.WrapErr(err)
				}
				return types.Timestamp{Time: t.In(in)}.Receive(function, "", nil)
			}))))
	}
	return options
}

// checkZone refuses what is neither a zone's name nor an offset from UTC.
func checkZone(zone string) error {
	if strings.Contains(zone, ":") {
		epoch := types.Timestamp{Time: time.Unix(0, 0)}
		if got := epoch.Receive(overloads.TimeGetHours, overloads.TimestampToHoursWithTz, []ref.Val{types.String(zone)}); !types.IsError(got) {
			return nil
		}
		return fmt.Errorf("%s is not an offset from UTC such as \"+02:00\"", describe(zone))
	}
	_, err := location(zone)
	return err
}

// zoneinfo is the time zone database, release 2025c, as Go 1.26 packs it in
// lib/time; its data is in the public domain. What a caveat means follows from it,
// in guards too, which each member of a cluster decides for itself: another release
// needs another format of commands, with both releases here until the older format
// is gone. TestZoneinfo holds its hash.
//
//go:embed zoneinfo.zip
var zoneinfo string

// zoneFiles are the files of zoneinfo, by the name of their zone.
var zoneFiles = sync.OnceValue(func() map[string]*zip.File {
	r, err := zip.NewReader(strings.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		panic("caveat: the embedded time zones: " + err.Error())
	}
	files := make(map[string]*zip.File, len(r.File))
	for _, f := range r.File {
		if !f.FileInfo().IsDir() {
			files[f.Name] = f
		}
	}
	return files
})

// parsed are the zones that were asked for, *time.Location by name. All of them take
// about a megabyte.
var parsed sync.Map

// location returns a zone by its name; as in CEL, "" is UTC. Safe for concurrent use.
func location(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	if known, ok := parsed.Load(name); ok {
		return known.(*time.Location), nil
	}
	file, ok := zoneFiles()[name]
	if !ok {
		return nil, fmt.Errorf("%s is not a time zone: give a name such as \"Europe/Paris\", an offset from UTC such as \"+02:00\", or \"UTC\"", describe(name))
	}
	in, err := file.Open()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, err
	}
	parsed.Store(name, zone)
	return zone, nil
}

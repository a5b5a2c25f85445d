package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionJSON is what the binary knows of its own making.
type versionJSON struct {
	Version  string `json:"version"` // of the module; "devel" when built from a checkout
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from files that were not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(0, ""),
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			text := "pemba " + v.Version
			if v.Revision != "" {
				text += fmt.Sprintf(" (%.12s)", v.Revision)
			}
			return a.one([]string{"version", "revision", "go", "platform"}, item{
				text:  text + " " + v.Go + " " + v.Platform,
				cells: []string{v.Version, v.Revision, v.Go, v.Platform},
				value: v,
			})
		},
	}
}

func buildVersion() versionJSON {
	v := versionJSON{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

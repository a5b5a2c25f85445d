package deploy

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// command is one command of pemba, as its help shows it.
type command struct {
	flags    map[string]bool
	commands map[string]*command
}

var (
	listedCommand = regexp.MustCompile(`(?m)^  ([a-z][a-z-]*) +\S`)
	listedFlag    = regexp.MustCompile(`(?m)^ +(?:-(\w), )?--([a-z][a-z-]*)`)
)

// commandTree asks the binary for everything it can do.
func commandTree(t *testing.T, path ...string) *command {
	t.Helper()
	help, err := run(t, pemba, append(slices.Clone(path), "--help")...)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	c := &command{flags: map[string]bool{}, commands: map[string]*command{}}
	for _, m := range listedFlag.FindAllStringSubmatch(help, -1) {
		c.flags["--"+m[2]] = true
		if m[1] != "" {
			c.flags["-"+m[1]] = true
		}
	}
	_, list, ok := strings.Cut(help, "\nAvailable Commands:\n")
	if !ok {
		return c
	}
	list, _, _ = strings.Cut(list, "\n\n")
	for _, m := range listedCommand.FindAllStringSubmatch(list, -1) {
		if m[1] != "help" && m[1] != "completion" {
			c.commands[m[1]] = commandTree(t, append(slices.Clone(path), m[1])...)
		}
	}
	return c
}

// all returns every flag of the command and those under it.
func (c *command) all() map[string]bool {
	flags := maps.Clone(c.flags)
	for _, under := range c.commands {
		maps.Copy(flags, under.all())
	}
	return flags
}

var (
	// Where pemba stands as a command: at the beginning of one, after the prompt
	// or a separator, or after a program that runs another.
	called = regexp.MustCompile(`(?:^|[|;&(] *|\$ |-- |exec \S+ |sudo(?: -\S+(?: [a-z]+)?)* |PEMBA_\w+=\S* )(?:bin/)?pemba ([a-z][^|;&)#<>` + "`" + `\n]*)`)
	code   = regexp.MustCompile("`([^`\n]+)`")
	// A flag alone, or with its value: not a line that goes on with flags of others.
	talkedAbout = regexp.MustCompile(`^--[a-z-]+\b`)
	option      = regexp.MustCompile(`(?:^|[\s=\[(])(--?[a-zA-Z][a-zA-Z-]*)`)
)

// snippets returns the code of a document: what is indented, fenced, or between
// backquotes.
func snippets(text string) []string {
	var all []string
	fenced := false
	text = strings.ReplaceAll(text, "\\\n", " ") // lines that go on
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(line, "    "), strings.HasPrefix(line, "#     "):
			all = append(all, strings.TrimSpace(strings.TrimPrefix(line, "#")))
		default:
			for _, m := range code.FindAllStringSubmatch(line, -1) {
				all = append(all, m[1])
			}
		}
	}
	return all
}

// documents are the files whose commands are checked.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"RUNBOOK.md": read(t, "RUNBOOK.md"), "SCALE.md": read(t, "SCALE.md")}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".go") || strings.HasPrefix(path, "go.") || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		text, err := os.ReadFile(path)
		all["deploy/"+filepath.ToSlash(path)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCommandsExist finds every command of pemba in what is written here, and
// demands that the binary has it with these flags.
func TestCommandsExist(t *testing.T) {
	tree := commandTree(t)
	flags := tree.all()
	found := 0
	for name, text := range documents(t) {
		for _, snippet := range snippets(text) {
			if flag := talkedAbout.FindString(snippet); flag != "" && !flags[flag] {
				t.Errorf("%s: no command has the flag %s", name, flag)
			}
			for _, m := range called.FindAllStringSubmatch(snippet, -1) {
				found++
				if why := tree.refuses(strings.Fields(m[1])); why != "" {
					t.Errorf("%s: %s: %s", name, snippet, why)
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d commands were found: are they still read right?", found)
	}
}

// refuses returns what the binary does not know of a command line, "" when it
// knows it all. Words of upper case stand for what people put in.
func (c *command) refuses(words []string) string {
	at := c
	for len(words) > 0 && len(at.commands) > 0 {
		next, ok := at.commands[words[0]]
		if !ok {
			if words[0] == "--help" || strings.Contains(words[0], "…") {
				return ""
			}
			return "there is no command " + words[0]
		}
		at, words = next, words[1:]
	}
	for _, m := range option.FindAllStringSubmatch(strings.Join(words, " "), -1) {
		if !at.flags[m[1]] && m[1] != "--help" {
			return "it has no flag " + m[1]
		}
	}
	return ""
}

// TestCommandsRefuse makes sure that the check can say no.
func TestCommandsRefuse(t *testing.T) {
	tree := commandTree(t)
	for line, fine := range map[string]bool{
		"serve --data-dir DIR --drain=5s": true, "serve --data-dirs DIR": false, "srve": false, "backup create FILE": true,
		"backup make FILE": false, "check document:plan view user:ana -o json": true, "check document:plan view user:ana -x": false,
	} {
		if why := tree.refuses(strings.Fields(line)); (why == "") != fine {
			t.Errorf("%s: %q", line, why)
		}
	}
	for text, want := range map[string]string{
		"    $ pemba cluster status": "cluster status", "Run `pemba health`.": "health", "pemba serve in prose": "",
		"    kubectl exec pemba-0 -- pemba cluster status": "cluster status", "    systemctl restart pemba": "",
		"    docker compose exec pemba pemba version": "version", "    sudo -u pemba pemba debug verify": "debug verify",
	} {
		got := ""
		for _, s := range snippets(text) {
			for _, m := range called.FindAllStringSubmatch(s, -1) {
				got += m[1]
			}
		}
		if got != want {
			t.Errorf("%q: found %q, want %q", text, got, want)
		}
	}
}

// TestVariablesExist finds every variable of pemba in what is written here.
func TestVariablesExist(t *testing.T) {
	known := map[string]bool{
		"PEMBA_ENDPOINT": true, "PEMBA_TOKEN": true, "PEMBA_INSECURE": true, "PEMBA_CA": true, "PEMBA_CERT": true, "PEMBA_KEY": true, "PEMBA_DATA_DIR": true, // of clients
		"PEMBA_SECRET": true, "PEMBA_": true, // of the compose files; of all
	}
	for flag := range commandTree(t).commands["serve"].flags {
		known["PEMBA_"+strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", "_"))] = true
	}
	variable := regexp.MustCompile(`PEMBA_[A-Z_]*`)
	for name, text := range documents(t) {
		for _, v := range variable.FindAllString(text, -1) {
			if !known[v] {
				t.Errorf("%s: %s means nothing to pemba", name, v)
			}
		}
	}
}

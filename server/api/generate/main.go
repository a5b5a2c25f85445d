// Command generate makes the Go code and the OpenAPI description of the .proto
// files beside it: `make gen` runs it in server/api.
//
// It stands in for protoc, so that nothing but Go is needed: it compiles the
// files itself and hands the result to the plugins that go.mod names as tools.
// What the files import is taken from the descriptors of the linked Go packages,
// which is what the generated code will use.
//
// With -typescript DIR it makes the types of the console instead, by the plugin
// that npm has installed in console/.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	// For their descriptors.
	_ "github.com/authzed/authzed-go/proto/authzed/api/v1"
)

// A plugin is a tool of go.mod, its parameter and the directory whose files it
// gets: what members say to each other has no form in HTTP.
type plugin struct{ name, parameter, dir string }

// clients are the directories of what clients may ask, each with the name of the
// description of its HTTP form.
var clients = []struct{ dir, name string }{{"pemba/v1/", "pemba"}, {"pemba/portal/v1/", "portal"}, {"pemba/console/v1/", "console"}}

func main() {
	typescript := flag.String("typescript", "", "make the types of the console in this `DIR`, and nothing else")
	flag.Parse()
	if err := run(context.Background(), *typescript); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, typescript string) error {
	files, err := protoFiles(".")
	if err != nil {
		return err
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: []string{"."}},
			protocompile.ResolverFunc(linked),
		},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(ctx, files...)
	if err != nil {
		return err
	}
	if typescript != "" {
		return makeTypes(ctx, typescript, files, compiled)
	}
	plugins := []plugin{
		{"protoc-gen-go", "paths=source_relative", ""},
		{"protoc-gen-go-grpc", "paths=source_relative", ""},
	}
	for _, c := range clients {
		plugins = append(plugins,
			plugin{"protoc-gen-grpc-gateway", "paths=source_relative", c.dir},
			plugin{"protoc-gen-openapiv2", "allow_merge=true,merge_file_name=" + c.dir + c.name + ",disable_default_errors=true,openapi_naming_strategy=fqn", c.dir})
	}
	for _, p := range plugins {
		if err := p.run(ctx, files, compiled); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// protoFiles returns the .proto files under dir, sorted.
func protoFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".proto") {
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	slices.Sort(files)
	return files, err
}

// linked finds an imported file among the descriptors of the linked packages.
func linked(path string) (protocompile.SearchResult, error) {
	file, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		return protocompile.SearchResult{}, err
	}
	return protocompile.SearchResult{Desc: file}, nil
}

// run hands the files to the plugin.
func (p plugin) run(ctx context.Context, files []string, compiled linker.Files) error {
	files = slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !strings.HasPrefix(name, p.dir) })
	return generate(exec.CommandContext(ctx, "go", "tool", p.name), p.parameter, "", files, compiled)
}

// makeTypes makes TypeScript's types of what the console asks, in JSON.
func makeTypes(ctx context.Context, dir string, files []string, compiled linker.Files) error {
	var wanted []string
	for _, c := range clients {
		wanted = append(wanted, slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !strings.HasPrefix(name, c.dir) })...)
	}
	for _, name := range []string{"core", "debug", "permission_service", "schema_service", "watch_service"} {
		wanted = append(wanted, "authzed/api/v1/"+name+".proto")
	}
	tool := exec.CommandContext(ctx, filepath.Join(dir, "../../../node_modules/.bin/protoc-gen-es"))
	return generate(tool, "target=dts,json_types=true", dir, wanted, compiled)
}

// generate hands the files, with everything they import, to a plugin and writes
// what it makes under dir.
func generate(tool *exec.Cmd, parameter, dir string, files []string, compiled linker.Files) error {
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: files, Parameter: &parameter}
	seen := map[string]bool{}
	for _, f := range compiled {
		request.ProtoFile = withImports(request.ProtoFile, f, seen)
	}
	for _, name := range files { // of linked packages, if no file of ours imports them
		if f, err := protoregistry.GlobalFiles.FindFileByPath(name); err == nil {
			request.ProtoFile = withImports(request.ProtoFile, f, seen)
		}
	}
	in, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	tool.Stdin, tool.Stderr = bytes.NewReader(in), os.Stderr
	out, err := tool.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return errors.New(response.GetError())
	}
	for _, f := range response.File {
		name := filepath.Join(dir, filepath.FromSlash(f.GetName()))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// withImports appends a file after everything it imports.
func withImports(to []*descriptorpb.FileDescriptorProto, f protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return to
	}
	seen[f.Path()] = true
	imports := f.Imports()
	for i := range imports.Len() {
		to = withImports(to, imports.Get(i).FileDescriptor, seen)
	}
	description := protodesc.ToFileDescriptorProto(f)
	if description.SourceCodeInfo == nil { // of linked packages; the plugins want one
		description.SourceCodeInfo = &descriptorpb.SourceCodeInfo{}
	}
	return append(to, description)
}

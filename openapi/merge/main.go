// Command merge joins base.yaml and the fragments into the one contract, openapi.yaml.
//
// It works on YAML nodes, so order, comments and references survive. A path or component that is written twice is an
// error that names both places. The result is the same bytes for the same input, and it has passed kin-openapi's
// validation (examples included) before it is written.
//
//	go run ./openapi/merge [-check] [dir]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

const header = "# Code generated from base.yaml and fragments/ by openapi/merge. DO NOT EDIT.\n"

func main() {
	check := flag.Bool("check", false, "write nothing; fail when openapi.yaml is not what the fragments give")
	flag.Parse()
	dir := "openapi"
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := run(dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "merge:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	merged, err := merge(dir)
	if err != nil {
		return err
	}
	target := filepath.Join(dir, "openapi.yaml")
	if !check {
		return os.WriteFile(target, merged, 0o644)
	}
	committed, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, merged) {
		return fmt.Errorf("%s is stale; run `make gen`", target)
	}
	return nil
}

// merge returns the contract, validated.
func merge(dir string) ([]byte, error) {
	base, err := parse(filepath.Join(dir, "base.yaml"))
	if err != nil {
		return nil, err
	}
	fragments, err := filepath.Glob(filepath.Join(dir, "fragments", "*.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(fragments)
	for _, name := range fragments {
		fragment, err := parse(name)
		if err != nil {
			return nil, err
		}
		if err := base.add(fragment); err != nil {
			return nil, err
		}
	}
	merged, err := base.encode()
	if err != nil {
		return nil, err
	}
	return merged, validate(merged)
}

// file is a parsed YAML file. origin remembers where a node came from, for messages.
type file struct {
	name   string
	root   *yaml.Node
	origin map[*yaml.Node]string
}

func parse(name string) (*file, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: not a mapping", name)
	}
	f := &file{name: name, root: doc.Content[0], origin: map[*yaml.Node]string{}}
	return f, f.remember(f.root)
}

// remember notes the place of every node, and refuses anchors: consumers of the merged file must not need to resolve them.
func (f *file) remember(n *yaml.Node) error {
	f.origin[n] = fmt.Sprintf("%s:%d", f.name, n.Line)
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return fmt.Errorf("%s: YAML anchors are not allowed; use $ref", f.origin[n])
	}
	for _, child := range n.Content {
		if err := f.remember(child); err != nil {
			return err
		}
	}
	return nil
}

// add appends the paths and components of a fragment; anything else in it is an error.
func (f *file) add(fragment *file) error {
	for key, value := range pairs(fragment.root) {
		var err error
		switch key.Value {
		case "paths":
			err = f.append(f.child(f.root, "paths"), value, fragment)
		case "components":
			for kind, members := range pairs(value) {
				if err = f.append(f.child(f.child(f.root, "components"), kind.Value), members, fragment); err != nil {
					return err
				}
			}
		default:
			err = fmt.Errorf("%s: a fragment has paths and components only, not %q", fragment.origin[key], key.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *file) append(to, from *yaml.Node, fragment *file) error {
	for key, value := range pairs(from) {
		if existing := lookup(to, key.Value); existing != nil {
			return fmt.Errorf("%s: %q is already defined at %s", fragment.origin[key], key.Value, f.origin[existing])
		}
		to.Content = append(to.Content, key, value)
		f.origin[key] = fragment.origin[key]
	}
	to.Style = 0 // `paths: {}` in base.yaml must become a block
	return nil
}

// child returns the mapping under key, creating it when it is missing.
func (f *file) child(n *yaml.Node, key string) *yaml.Node {
	for k, v := range pairs(n) {
		if k.Value == key {
			return v
		}
	}
	value := &yaml.Node{Kind: yaml.MappingNode}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	return value
}

func (f *file) encode() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(header)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := errors.Join(encoder.Encode(f.root), encoder.Close())
	return out.Bytes(), err
}

func lookup(mapping *yaml.Node, key string) *yaml.Node {
	for k := range pairs(mapping) {
		if k.Value == key {
			return k
		}
	}
	return nil
}

// pairs iterates over the keys and values of a mapping.
func pairs(mapping *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i], mapping.Content[i+1]) {
				return
			}
		}
	}
}

func validate(contract []byte) error {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		return err
	}
	return doc.Validate(context.Background(), openapi3.EnableExamplesValidation())
}

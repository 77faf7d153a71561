package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const baseYAML = `openapi: 3.0.3
# the comment of base
info: {title: x, version: '1'}
paths: {}
components:
  schemas:
    Name: {type: string}
`

const thingsYAML = `# the comment of things
paths:
  /things: # where things are
    get:
      responses:
        '200':
          description: x
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}, example: {name: a}}}
components:
  schemas:
    Thing: {type: object, properties: {name: {$ref: '#/components/schemas/Name'}}}
`

const othersYAML = `paths:
  /others:
    get:
      responses:
        '200': {description: x}
components:
  responses:
    Other: {description: x}
`

// tree writes base.yaml and fragments, in the order given, into a directory of its own.
func tree(t *testing.T, base string, fragments ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "base.yaml"), base)
	if err := os.Mkdir(filepath.Join(dir, "fragments"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fragments); i += 2 {
		write(t, filepath.Join(dir, "fragments", fragments[i]), fragments[i+1])
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMergeIsDeterministic: the same sources give the same bytes, whatever the order in which a file system lists them.
func TestMergeIsDeterministic(t *testing.T) {
	t.Parallel()
	first, err := merge(tree(t, baseYAML, "a.yaml", thingsYAML, "b.yaml", othersYAML))
	if err != nil {
		t.Fatal(err)
	}
	again, err := merge(tree(t, baseYAML, "b.yaml", othersYAML, "a.yaml", thingsYAML))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("%v\n%s\n%s", err, first, again)
	}
	real1, err := merge("..")
	if err != nil {
		t.Fatal(err)
	}
	if real2, err := merge(".."); err != nil || !bytes.Equal(real1, real2) {
		t.Errorf("the contract itself comes out different each time: %v", err)
	}
}

// TestMergeKeepsWhatReadersNeed: comments, references and the order of the sources, behind a header that says that the
// file is generated.
func TestMergeKeepsWhatReadersNeed(t *testing.T) {
	t.Parallel()
	merged, err := merge(tree(t, baseYAML, "a.yaml", thingsYAML, "b.yaml", othersYAML))
	if err != nil {
		t.Fatal(err)
	}
	text := string(merged)
	at := -1
	for _, part := range []string{
		"# Code generated", "DO NOT EDIT.", "openapi: 3.0.3", "# the comment of base", "paths:", "/things: # where things are",
		"$ref: '#/components/schemas/Thing'", "/others:", "components:", "Name:", "Thing:", "$ref: '#/components/schemas/Name'", "responses:", "Other:",
	} {
		next := strings.Index(text[at+1:], part)
		if next < 0 {
			t.Fatalf("%q is missing, or not where it should be:\n%s", part, text)
		}
		at += 1 + next
	}
	if !strings.HasPrefix(text, header) || strings.Contains(text, "paths: {}") {
		t.Errorf("%s", text)
	}
}

// TestMergeRefuses what would get lost or surprise, and says where it is.
func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base  string
		first string
		last  string
		says  []string
	}{
		"path twice":                {baseYAML, thingsYAML, "paths:\n  /things:\n    post: {responses: {'200': {description: x}}}\n", []string{`"/things"`, "a.yaml:3", "b.yaml:2"}},
		"path twice in a file":      {baseYAML, "", "paths:\n  /x: {get: {responses: {'200': {description: x}}}}\n  /x: {post: {responses: {'200': {description: x}}}}\n", []string{`"/x"`, "b.yaml:2", "b.yaml:3"}},
		"path of base again":        {strings.Replace(baseYAML, "paths: {}", "paths:\n  /things:\n    get: {responses: {'200': {description: x}}}", 1), thingsYAML, "", []string{`"/things"`, "base.yaml:5", "a.yaml:3"}},
		"schema twice":              {baseYAML, thingsYAML, "components:\n  schemas:\n\n    Thing: {type: string}\n", []string{`"Thing"`, "a.yaml:11", "b.yaml:4"}},
		"schema of base again":      {baseYAML, "", "components: {schemas: {Name: {type: string}}}\n", []string{`"Name"`, "base.yaml:7", "b.yaml:1"}},
		"method twice":              {baseYAML, "", "paths:\n  /x:\n    get: {responses: {'200': {description: x}}}\n    get: {responses: {'200': {description: y}}}\n", []string{"get"}},
		"anchor":                    {baseYAML, "", "paths:\n  /x: &x\n    get: {responses: {'200': {description: x}}}\n", []string{"b.yaml:2", "anchors"}},
		"alias":                     {baseYAML, "", "components:\n  schemas:\n    A: &a {type: string}\n    B: *a\n", []string{"b.yaml:3", "anchors"}},
		"anchor in base":            {strings.Replace(baseYAML, "Name: {", "Name: &n {", 1), "", "", []string{"base.yaml:7", "anchors"}},
		"servers in a fragment":     {baseYAML, "", "servers: [{url: /}]\n", []string{"b.yaml:1", `"servers"`}},
		"tags in a fragment":        {baseYAML, "", "paths: {}\ntags: []\n", []string{"b.yaml:2", `"tags"`}},
		"fragment that is a list":   {baseYAML, "", "- a\n", []string{"b.yaml", "not a mapping"}},
		"fragment that is empty":    {baseYAML, "", "# nothing\n", []string{"b.yaml", "not a mapping"}},
		"fragment that is no YAML":  {baseYAML, "", "a: [\n", []string{"b.yaml"}},
		"paths that are a list":     {baseYAML, "", "paths: [a, b]\n", nil},
		"reference to nothing":      {baseYAML, thingsYAML, "components: {schemas: {A: {type: object, properties: {a: {$ref: '#/components/schemas/Gone'}}}}}\n", []string{"Gone"}},
		"example of another schema": {baseYAML, strings.Replace(thingsYAML, "{name: a}", "{name: 7}", 1), "", []string{"example"}},
		"contract that is none":     {strings.Replace(baseYAML, "info: {title: x, version: '1'}", "info: {title: x}", 1), "", "", []string{"version"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fragments []string
			if c.first != "" {
				fragments = append(fragments, "a.yaml", c.first)
			}
			if c.last != "" {
				fragments = append(fragments, "b.yaml", c.last)
			}
			dir := tree(t, c.base, fragments...)
			err := run(dir, false)
			if err == nil {
				t.Fatal("merged")
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q: %v", part, err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "openapi.yaml")); !os.IsNotExist(err) {
				t.Errorf("something was written all the same: %v", err)
			}
		})
	}
}

// TestCheck writes nothing, and fails when the committed file is not what the sources give.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := tree(t, baseYAML, "a.yaml", thingsYAML)
	target := filepath.Join(dir, "openapi.yaml")
	if err := run(dir, true); !os.IsNotExist(err) {
		t.Errorf("without a committed file: %v", err)
	}
	if err := run(dir, false); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, true); err != nil {
		t.Errorf("fresh: %v", err)
	}
	write(t, filepath.Join(dir, "fragments", "b.yaml"), othersYAML)
	before, _ := os.ReadFile(target)
	if err := run(dir, true); err == nil || !strings.Contains(err.Error(), "make gen") {
		t.Errorf("stale: %v", err)
	}
	if after, _ := os.ReadFile(target); !bytes.Equal(before, after) {
		t.Error("the check has written")
	}
	if err := run(t.TempDir(), true); err == nil {
		t.Error("no base.yaml: no error")
	}
}

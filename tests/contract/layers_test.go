package contract

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/menshen-auth/menshen/"

// capabilities are the packages that hold the product. They are plugged together in impl/app and nowhere else.
var capabilities = map[string]bool{
	"impl/account": true, "impl/captcha": true, "impl/console": true, "impl/docs": true, "impl/fastpass": true, "impl/hook": true, "impl/mfa": true, "impl/otp": true,
	"impl/qrlogin": true, "impl/service": true, "impl/notify": true, "impl/tenancy": true, "impl/wechat": true,
}

// source is a Go file, by its path in the module, and what it imports: of ours by path, of others by import path.
type source struct {
	file    string
	imports []string
	others  []string
}

func (s source) pkg() string  { return path.Dir(s.file) }
func (s source) isTest() bool { return strings.HasSuffix(s.file, "_test.go") }

// capabilityOf is the capability that a package is, or is a part of; "" for others.
func capabilityOf(pkg string) string {
	for capability := range capabilities {
		if within(pkg, capability) {
			return capability
		}
	}
	return ""
}

// layerRules say which way things depend. A rule returns why an import is wrong, or "".
var layerRules = map[string]func(s source, imported string) string{
	"gen": func(s source, imported string) string {
		if s.pkg() == "gen" && !s.isTest() {
			return "gen imports nothing of ours"
		}
		return ""
	},
	"db": func(s source, imported string) string {
		if within(s.pkg(), "db") && !within(imported, "db") {
			return "db knows nothing above it"
		}
		return ""
	},
	"capabilities": func(s source, imported string) string {
		one, other := capabilityOf(s.pkg()), capabilityOf(imported)
		if one != "" && other != "" && one != other {
			return "capabilities never import each other; declare a small interface and let app plug it in"
		}
		return ""
	},
	"parts of a capability": func(s source, imported string) string {
		owner := capabilityOf(imported)
		mayKnow := within(s.pkg(), owner) || within(s.pkg(), "impl/app") || within(s.pkg(), "tests")
		if owner != "" && imported != owner && !mayKnow {
			return "a package below a capability is that capability's own; only app, which configures it, knows it too"
		}
		return ""
	},
	"generated types stay at the edge": func(s source, imported string) string {
		edge := map[string]bool{"impl/app": true, "impl/internal/httpapi": true, "impl/internal/wire": true}
		isAPI := capabilities[s.pkg()] && strings.HasPrefix(path.Base(s.file), "api")
		if within(s.pkg(), "impl") && imported == "gen" && !s.isTest() && !edge[s.pkg()] && !isAPI {
			return "only api*.go of a capability, httpapi, wire and app know generated types"
		}
		return ""
	},
	"plumbing": func(s source, imported string) string {
		if within(s.pkg(), "impl/internal") && (capabilityOf(imported) != "" || imported == "impl/app") {
			return "plumbing knows no capability"
		}
		return ""
	},
	"composition root": func(s source, imported string) string {
		if within(imported, "impl/app") && !within(s.pkg(), "impl/app") && !within(s.pkg(), "impl/cmd") && !within(s.pkg(), "tests") {
			return "only the program and tests start an app"
		}
		return ""
	},
	"tests": func(s source, imported string) string {
		if within(imported, "tests") && !within(s.pkg(), "tests") {
			return "nothing outside tests imports tests"
		}
		return ""
	},
	"database for tests": func(s source, imported string) string {
		if imported == "db/dbtest" && !s.isTest() && !within(s.pkg(), "tests") {
			return "dbtest is for tests"
		}
		return ""
	},
}

// TestLayers: the picture of which way things depend is true.
func TestLayers(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for name, rule := range layerRules {
			for _, imported := range s.imports {
				if why := rule(s, imported); why != "" {
					t.Errorf("%s imports %s (%s): %s", s.file, imported, name, why)
				}
			}
		}
		for _, other := range s.others {
			driver := within(other, "github.com/lib/pq") || within(other, "github.com/jmoiron/sqlx")
			if driver && !within(s.pkg(), "db") && !within(s.pkg(), "tests") {
				t.Errorf("%s imports %s: statements, the driver and its errors stay in db", s.file, other)
			}
		}
	}
}

// TestLayerRulesBite: a rule that can no longer find anything wrong would let everything pass.
func TestLayerRulesBite(t *testing.T) {
	t.Parallel()
	bites := map[string]bool{}
	for _, wrong := range [][3]string{
		{"gen", "gen/gen.go", "db"},
		{"db", "db/account.go", "impl/internal/lang"},
		{"capabilities", "impl/mfa/mfa.go", "impl/account"},
		{"capabilities", "impl/captcha/puzzle/puzzle.go", "impl/notify"},
		{"capabilities", "impl/captcha/send.go", "impl/notify/channel"},
		{"parts of a capability", "impl/mfa/mfa_test.go", "impl/captcha/puzzle"},
		{"parts of a capability", "impl/internal/message/message.go", "impl/notify/channel"},
		{"parts of a capability", "impl/cmd/menshen/main.go", "impl/notify/channel"},
		{"generated types stay at the edge", "impl/mfa/mfa.go", "gen"},
		{"generated types stay at the edge", "impl/notify/channel/api.go", "gen"},
		{"plumbing", "impl/internal/authn/authn.go", "impl/account"},
		{"plumbing", "impl/internal/authn/authn.go", "impl/captcha/puzzle"},
		{"composition root", "impl/internal/httpapi/gate.go", "impl/app"},
		{"tests", "impl/mfa/mfa_test.go", "tests/harness"},
		{"database for tests", "impl/mfa/mfa.go", "db/dbtest"},
	} {
		name, file, imported := wrong[0], wrong[1], wrong[2]
		bites[name] = true
		if layerRules[name](source{file: file}, imported) == "" {
			t.Errorf("%s: %s may import %s", name, file, imported)
		}
	}
	for name := range layerRules {
		if !bites[name] {
			t.Errorf("%s: nothing shows that the rule can find anything", name)
		}
	}
	if all := sources(t); len(all) < 100 {
		t.Errorf("only %d files were looked at", len(all))
	}
}

// within tells whether p is dir or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// sources reads the imports of every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	root := moduleRoot(t)
	var list []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules"; entry.IsDir() && hidden && name != root {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s := source{file: filepath.ToSlash(file)}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if ours, ok := strings.CutPrefix(imported, module); ok {
				s.imports = append(s.imports, ours)
			} else {
				s.others = append(s.others, imported)
			}
		}
		list = append(list, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

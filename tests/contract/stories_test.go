package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestEveryOperationIsCalled: whatever the contract offers, some story in tests/e2e uses it, through the generated client
// or by its path.
func TestEveryOperationIsCalled(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(moduleRoot(t), "tests", "e2e", "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	called := map[string]bool{}
	var literals []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if operation, ok := clientMethod(n.Sel.Name); ok {
					called[strings.ToLower(operation)] = true
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					literals = append(literals, text)
				}
			}
			return true
		})
	}
	for _, op := range operations(t) {
		name := strings.ToLower(op.OperationID) // the client writes Mfa as MFA
		if !called[name] && !mentions(literals, op.path) {
			t.Errorf("%s (%s %s): no test in tests/e2e calls it", op.OperationID, op.method, op.path)
		}
	}
}

// clientMethod returns the operation that a method of the generated client calls.
func clientMethod(name string) (string, bool) {
	operation, ok := strings.CutSuffix(name, "WithResponse")
	for _, variant := range []string{"WithBody", "WithFormdataBody"} {
		operation = strings.TrimSuffix(operation, variant)
	}
	return operation, ok
}

// mentions tells whether a literal is the path, perhaps with a server before it or a query after it.
func mentions(literals []string, path string) bool {
	for _, text := range literals {
		text, _, _ = strings.Cut(text, "?")
		server, ok := strings.CutSuffix(text, path)
		if ok && (server == "" || strings.Contains(server, "://")) {
			return true
		}
	}
	return false
}

package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// screening is who may say that the hooks have let an attempt pass: account, when it asks them and when it finds what they
// said written down.
var screening = map[string]string{"Screen": "impl/account/screen.go", "Resume": "impl/account/door.go"}

// TestScreeningIsNotForged: a session needs what only the asking of the hooks makes, so a door that made it by itself would
// be one that the hooks do not see. (At run time, Open refuses a grant without.)
func TestScreeningIsNotForged(t *testing.T) {
	t.Parallel()
	root, found := moduleRoot(t), map[string]int{}
	err := filepath.WalkDir(filepath.Join(root, "impl"), func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		where, err := filepath.Rel(root, name)
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if from, ok := selector.X.(*ast.Ident); !ok || from.Name != "authn" {
				return true
			}
			if allowed, ok := screening[selector.Sel.Name]; ok {
				found[selector.Sel.Name]++
				if filepath.ToSlash(where) != allowed {
					t.Errorf("%s uses authn.%s, which is for %s alone; call Screen of the accounts", where, selector.Sel.Name, allowed)
				}
			}
			return true
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range screening {
		if found[name] != 1 {
			t.Errorf("authn.%s is used %d times, want once", name, found[name])
		}
	}
}

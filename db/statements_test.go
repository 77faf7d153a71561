package db_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
)

// statement is an SQL statement of package db, and the functions that run it.
type statement struct {
	text string
	by   []string
}

// runners are the methods of database/sql and sqlx that run or prepare a statement, and which argument it is. Those of package
// db that pass one on are found by what they call.
var runners = map[string]int{
	"Exec": 0, "Query": 0, "QueryRow": 0, "Prepare": 0, "Queryx": 0, "QueryRowx": 0, "Preparex": 0, "MustExec": 0,
	"ExecContext": 1, "QueryContext": 1, "QueryRowContext": 1, "PrepareContext": 1, "QueryxContext": 1, "QueryRowxContext": 1, "PreparexContext": 1,
	"GetContext": 2, "SelectContext": 2,
}

// isSQL recognises what somebody may run as a statement.
var isSQL = regexp.MustCompile(`(?s)^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE|CREATE|ALTER|DROP|LOCK|SET|LISTEN|NOTIFY)\s.*`)

// collector reads the statements of package db from its source.
type collector struct {
	files   []*ast.File
	info    *types.Info
	runners map[string]int
	found   map[string]*statement
	unread  map[string]bool // functions that run what is not a constant
}

// statements returns every statement that package db can run. It fails on one that it cannot read.
func statements(t *testing.T) []*statement {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	c := collect(t, slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "_test.go") }), nil)
	delete(c.unread, "statements.prepareMissing") // which prepares what somebody else has run
	composed := db.Composed()
	for by, texts := range composed {
		if !c.unread[by] {
			t.Errorf("nothing is composed in %s any more", by)
		}
		for _, text := range texts {
			c.add(text, by)
		}
	}
	for by := range c.unread {
		if composed[by] == nil {
			t.Errorf("%s runs a statement that is no constant; make it one, or add it to Composed", by)
		}
	}
	for _, text := range c.unused() {
		t.Errorf("nobody seems to run %q; then the collector has missed how", text)
	}
	return slices.SortedFunc(maps.Values(c.found), func(a, b *statement) int { return strings.Compare(a.text, b.text) })
}

// collect reads files; source is in the place of the only one if it is not nil.
func collect(t *testing.T, names []string, source any) *collector {
	t.Helper()
	c := &collector{
		info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}, runners: maps.Clone(runners), found: map[string]*statement{},
	}
	set := token.NewFileSet()
	for _, name := range names {
		file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		c.files = append(c.files, file)
	}
	// What is imported is not looked at, so what depends on it stays unknown; constants do not.
	config := types.Config{Importer: nothing{}, Error: func(error) {}}
	_, _ = config.Check("db", set, c.files, c.info)
	for known := 0; known < len(c.runners); { // until nobody else is found who passes statements on
		known, c.unread = len(c.runners), map[string]bool{}
		c.eachCall(c.read)
	}
	return c
}

// nothing imports empty packages.
type nothing struct{}

func (nothing) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

// eachCall visits every call, with the function that makes it.
func (c *collector) eachCall(visit func(in *ast.FuncDecl, call *ast.CallExpr)) {
	for _, file := range c.files {
		for _, declaration := range file.Decls {
			in, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(in, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					visit(in, call)
				}
				return true
			})
		}
	}
}

// read takes the statement from a call, if the call runs one.
func (c *collector) read(in *ast.FuncDecl, call *ast.CallExpr) {
	at, runs := c.runners[called(call.Fun)]
	if !runs || at >= len(call.Args) || call.Ellipsis.IsValid() && at == len(call.Args)-1 { // what is prepared has only arguments
		return
	}
	argument := call.Args[at]
	if value := c.info.Types[argument].Value; value != nil && value.Kind() == constant.String {
		c.add(constant.StringVal(value), full(in))
		return
	}
	if name, ok := argument.(*ast.Ident); ok {
		if n := parameter(in, name.Name); n >= 0 {
			c.runners[in.Name.Name] = n
			return
		}
	}
	c.unread[full(in)] = true
}

func (c *collector) add(text, by string) {
	if c.found[text] == nil {
		c.found[text] = &statement{text: text}
	}
	if s := c.found[text]; !slices.Contains(s.by, by) {
		s.by = append(s.by, by)
	}
}

// unused returns text that looks like a statement and is part of none that was found.
func (c *collector) unused() (texts []string) {
	for _, value := range c.info.Types {
		if value.Value == nil || value.Value.Kind() != constant.String || !isSQL.MatchString(constant.StringVal(value.Value)) {
			continue
		}
		text, _, _ := strings.Cut(constant.StringVal(value.Value), "%") // of a format, what comes before its first verb
		used := false
		for found := range c.found {
			used = used || strings.Contains(found, text)
		}
		if !used {
			texts = append(texts, text)
		}
	}
	return texts
}

// full is the name of a function, with the type whose method it is.
func full(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	return called(of) + "." + f.Name.Name
}

// called is the name of the function or method that a call calls.
func called(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.IndexExpr: // of a type parameter
		return called(f.X)
	case *ast.IndexListExpr:
		return called(f.X)
	}
	return ""
}

// parameter is the place of a parameter of a function; -1 if it has none of the name.
func parameter(in *ast.FuncDecl, name string) int {
	n := 0
	for _, field := range in.Type.Params.List {
		for _, ident := range field.Names {
			if ident.Name == name {
				return n
			}
			n++
		}
	}
	return -1
}

// TestStatementsAreFound: the collector reads constants wherever they are put together, follows who passes a statement on, and
// tells of what it cannot read. Otherwise a statement without a plan would go unnoticed.
func TestStatementsAreFound(t *testing.T) {
	t.Parallel()
	c := collect(t, []string{"example.go"}, `package db
		const columns = "a, b"
		func (q Queries) run(ctx context.Context, text string, args ...any) { q.pool.ExecContext(ctx, text, args...) }
		func get[T any](ctx context.Context, q Queries, text string) { q.run(ctx, text) }
		func (q Queries) Direct(ctx context.Context) { q.pool.QueryContext(ctx, "SELECT 1 FROM direct") }
		func (q Queries) Passed(ctx context.Context) {
			const query = "SELECT " + columns + " FROM passed"
			get[int](ctx, q, query)
		}
		func (q *Queries) Composed(ctx context.Context, table string) { q.run(ctx, "DELETE FROM " + table) }
		func (q Queries) Hidden() { helper("SELECT 1 FROM hidden") }`)
	for text, by := range map[string]string{"SELECT 1 FROM direct": "Queries.Direct", "SELECT a, b FROM passed": "Queries.Passed"} {
		if s := c.found[text]; s == nil || !slices.Equal(s.by, []string{by}) {
			t.Errorf("%q: %+v, want it of %s", text, s, by)
		}
	}
	if len(c.found) != 2 || len(c.unread) != 1 || !c.unread["Queries.Composed"] {
		t.Errorf("found %d, unread %v; want two, and that of Composed", len(c.found), c.unread)
	}
	if unused := c.unused(); !slices.Contains(unused, "SELECT 1 FROM hidden") {
		t.Errorf("unused: %q, without what Hidden runs", unused)
	}
}

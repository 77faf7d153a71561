package mutation

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/menshen-auth/menshen/db/dbtest"
)

// TestEveryGuardIsThere: the list is of guards that there are, each has a name of its own, and no capability is without.
func TestEveryGuardIsThere(t *testing.T) {
	t.Parallel()
	names, files := map[string]bool{}, map[string]bool{}
	for _, g := range guards() {
		sources{}.without(t, g)
		if names[g.name] || g.red == "" || g.text == g.instead {
			t.Errorf("%s: twice, without a test or without an effect", g.name)
		}
		names[g.name], files[g.file] = true, true
	}
	for _, capability := range []string{"account", "captcha", "mfa", "otp", "qrlogin", "wechat", "internal/authn", "internal/keyring", "internal/limit"} {
		if !slices.ContainsFunc(guards(), func(g guard) bool { return strings.HasPrefix(g.file, "impl/"+capability+"/") }) {
			t.Errorf("there is no guard of %s", capability)
		}
	}
	t.Attr("guards", strconv.Itoa(len(names)))
	t.Attr("files", strconv.Itoa(len(files)))
}

// TestMutantsCompile: every guard can be taken away. All at once, since each is at a place of its own.
func TestMutantsCompile(t *testing.T) {
	t.Parallel()
	all, packages := sources{}, []string{}
	for _, g := range guards() {
		all.without(t, g)
		if pkg := "./" + path.Dir(g.file); path.Ext(g.file) == ".go" && !slices.Contains(packages, pkg) {
			packages = append(packages, pkg)
		}
	}
	compile(t, slices.Concat([]string{"build", all.overlay(t)}, packages)...)
	t.Attr("packages", strconv.Itoa(len(packages)))
}

// TestMutantsAreCaught: the test of a guard is green, and turns red when the guard is taken away.
func TestMutantsAreCaught(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t) // one server for all: to start one takes longer than most tests
	whole := map[string]tests{}
	tried, caught := 0, atomic.Int64{}
	t.Run("guards", func(t *testing.T) {
		for _, g := range guards() {
			if !g.always && os.Getenv("MENSHEN_TEST_MUTANTS") != "all" {
				continue
			}
			tried++
			pkg := g.pkg()
			if whole[pkg] == (tests{}) {
				whole[pkg] = compiled(t, pkg, database)
			}
			t.Run(g.name, func(t *testing.T) {
				t.Parallel()
				if red := whole[pkg].run(t, g.run()); len(red) > 0 {
					t.Fatalf("red with the guard: %s", red)
				}
				mutant := sources{}
				mutant.without(t, g)
				red := compiled(t, pkg, database, mutant.overlay(t)).run(t, g.run())
				if len(red) == 0 {
					t.Fatalf("%s of %s stays green without %q in %s", g.red, pkg, g.text, g.file)
				}
				caught.Add(1)
				t.Attr("red", strings.Join(red, "+"))
			})
		}
	})
	if tried == 0 {
		t.Error("nothing was tried")
	}
	t.Attr("tried", strconv.Itoa(tried))
	t.Attr("caught", strconv.FormatInt(caught.Load(), 10))
}

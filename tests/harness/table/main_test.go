package main

import (
	"strings"
	"testing"
)

// TestTable: the figures stand beside their test, steps without figures are left out, and a failure shows with what it said.
func TestTable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events string
		failed bool
		has    []string
		hasNot []string
	}{
		"passed": {
			`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"rounds","Value":"200"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"calls","Value":"64"}
{"Action":"pass","Package":"p","Test":"TestA/step","Elapsed":1}
{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":2.34}
{"Action":"pass","Package":"p","Elapsed":2.5}`, false,
			[]string{"TestA", "rounds 200, calls 64", "2.3s", "pass"},
			[]string{"step", "quiet"},
		},
		"failed": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"two winners\n"}
{"Action":"fail","Package":"p","Test":"TestA","Elapsed":1}
{"Action":"fail","Package":"p","Elapsed":1}`, true,
			[]string{"two winners", "TestA", "fail"},
			nil,
		},
		"unfinished":      {`{"Action":"run","Package":"p","Test":"TestA"}`, true, []string{"unfinished"}, nil},
		"nothing ran":     {`{"Action":"pass","Package":"p","Elapsed":0}`, true, nil, nil},
		"not even built":  {`{"ImportPath":"p","Action":"build-output","Output":"undefined: x\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, true, []string{"undefined: x"}, nil},
		"no event at all": {`FAIL`, true, nil, nil},
	} {
		var out strings.Builder
		failed, err := report(strings.NewReader(c.events), &out)
		if (failed || err != nil) != c.failed {
			t.Errorf("%s: failed %v, %v", name, failed, err)
		}
		for _, want := range c.has {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, out.String())
			}
		}
		for _, bad := range c.hasNot {
			if strings.Contains(out.String(), bad) {
				t.Errorf("%s: %q is in\n%s", name, bad, out.String())
			}
		}
	}
}

// Command table reads the events of go test -json and prints one table of them: a line for each test, with the figures that
// it attached by testing.T.Attr. What a failed test said comes before the table. It fails when a test did.
//
//	go test -json ./tests/race | go run ./tests/harness/table
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// event is one of test2json, as far as the table needs it.
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64 // seconds
	Output  string
	Key     string
	Value   string
}

// line is a test, or a package that failed as a whole.
type line struct {
	name    string
	figures []string
	said    strings.Builder
	result  string
	took    time.Duration
}

func main() {
	failed, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// report reads the events and prints their table. Nothing that ran is a failure too: a table of nothing proves nothing.
func report(from io.Reader, to io.Writer) (failed bool, err error) {
	lines, order := map[string]*line{}, []*line(nil)
	scanner := newScanner(from)
	for scanner.Scan() {
		var e event
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			return true, fmt.Errorf("no event of go test -json: %q", scanner.Text())
		}
		if e.Action == "build-output" { // of no test
			_, _ = io.WriteString(to, e.Output)
			continue
		}
		key := e.Package + " " + e.Test
		l := lines[key]
		if l == nil {
			l = &line{name: e.Test}
			lines[key], order = l, append(order, l)
		}
		l.take(e)
		if e.Test == "" && e.Action == "fail" {
			l.name = e.Package
		}
	}
	if err := scanner.Err(); err != nil {
		return true, err
	}
	tests := 0
	table := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "what\tfigures\ttime\tresult")
	for _, l := range order {
		if l.result == "fail" || l.result == "" && l.name != "" {
			failed = true
			_, _ = io.WriteString(to, l.said.String())
		}
	}
	for _, l := range order {
		if l.name == "" || strings.Contains(l.name, "/") && len(l.figures) == 0 && l.result == "pass" {
			continue // a step of a test, which its test speaks for
		}
		tests++
		_, _ = fmt.Fprintf(table, "%s\t%s\t%v\t%s\n", l.name, strings.Join(l.figures, ", "), l.took.Round(time.Second/10), orUnfinished(l.result))
	}
	return failed || tests == 0, table.Flush()
}

func newScanner(from io.Reader) *bufio.Scanner {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 16<<20)
	return scanner
}

func (l *line) take(e event) {
	switch e.Action {
	case "output":
		l.said.WriteString(e.Output)
	case "attr":
		l.figures = append(l.figures, e.Key+" "+e.Value)
	case "pass", "fail", "skip":
		l.result = e.Action
		l.took = time.Duration(e.Elapsed * float64(time.Second))
	}
}

func orUnfinished(result string) string {
	if result == "" {
		return "unfinished"
	}
	return result
}

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	render "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// section is a heading of a README and what stands below it.
type section struct {
	level, title string
	blocks       []string // what needs no translation: one entry a paragraph, row of a table, line of code
}

// TestREADMEInChinese: whoever reads the Chinese README is told the same as in English. Headings, tables row by row (so every
// variable and its default), commands, numbers, links and pictures agree; only words and comments differ.
func TestREADMEInChinese(t *testing.T) {
	t.Parallel()
	english := sections(t, "README.md", strings.NewReplacer("README.zh-CN.md", "README.md", ".png", ".zh.png"))
	chinese := sections(t, "README.zh-CN.md", strings.NewReplacer())
	for i := range max(len(english), len(chinese)) {
		en, zh := at(english, i), at(chinese, i)
		if en.level != zh.level {
			t.Fatalf("heading %d:\nREADME.md:       %s %s\nREADME.zh-CN.md: %s %s", i, en.level, en.title, zh.level, zh.title)
		}
		for j := range max(len(en.blocks), len(zh.blocks)) {
			if en, zh := at(en.blocks, j), at(zh.blocks, j); en != zh {
				t.Errorf("below %q, the first that differs:\nREADME.md:       %s\nREADME.zh-CN.md: %s", english[i].title, en, zh)
				break
			}
		}
	}
}

// at returns the zero value behind the end: what the other README has more is then shown against nothing.
func at[E any](list []E, i int) (e E) {
	if i < len(list) {
		e = list[i]
	}
	return e
}

// sections reads a README as it is displayed: bold that is none for a parser, as happens between Chinese letters, is none here.
// Links and pictures have what targets makes of them.
func sections(t *testing.T, name string, targets *strings.Replacer) []section {
	t.Helper()
	source := must(os.ReadFile("../../" + name))(t)
	var page bytes.Buffer
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithRendererOptions(render.WithUnsafe()))
	if err := markdown.Convert(source, &page); err != nil {
		t.Fatal(err)
	}
	all := []section{{}}
	for n := range must(html.Parse(&page))(t).Descendants() {
		last := &all[len(all)-1]
		switch n.DataAtom {
		case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			all = append(all, section{level: n.Data, title: textOf(n), blocks: []string{constants(n, targets)}})
		case atom.P, atom.Li, atom.Div:
			last.blocks = append(last.blocks, n.Data+": "+constants(n, targets))
		case atom.Tr:
			var cells []string
			for cell := range n.ChildNodes() {
				if cell.Type == html.ElementNode {
					cells = append(cells, constants(cell, targets))
				}
			}
			last.blocks = append(last.blocks, "row: "+strings.Join(cells, " | "))
		case atom.Pre:
			last.blocks = append(last.blocks, commands(n.FirstChild)...)
		}
	}
	return all
}

var (
	number = regexp.MustCompile(`\d+(\.\d+)*`)
	path   = regexp.MustCompile(`[\w.:/-]*/[\w.-]*`)
)

// constants returns what is the same in every language, sorted, since each language has its own order of words.
func constants(n *html.Node, targets *strings.Replacer) string {
	var found []string
	for d := range n.Descendants() {
		switch {
		case d.DataAtom == atom.Code:
			found = append(found, "`"+textOf(d)+"`")
		case d.DataAtom == atom.Strong:
			found = append(found, "bold")
		case d.DataAtom == atom.A:
			found = append(found, "link "+targets.Replace(attribute(d, "href")))
		case d.DataAtom == atom.Img:
			found = append(found, fmt.Sprintf("picture %s (alt: %t)", targets.Replace(attribute(d, "src")), attribute(d, "alt") != ""))
		case d.Type == html.TextNode && d.Parent.DataAtom != atom.Code:
			found = append(found, number.FindAllString(d.Data, -1)...)
		}
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

var comment = map[string]*regexp.Regexp{
	"language-sh": regexp.MustCompile(`(^|\s)#.*`),
	"language-go": regexp.MustCompile(`(^|\s)//.*`),
	"language-ts": regexp.MustCompile(`(^|\s)//.*`),
}

// commands returns the lines of a block of code without comments. Where the block names no language, its first column counts, and
// the paths in the others.
func commands(code *html.Node) []string {
	language := attribute(code, "class")
	var lines []string
	for line := range strings.Lines(textOf(code)) {
		if marked, ok := comment[language]; ok {
			line = marked.ReplaceAllString(line, "")
		} else if language == "" {
			first, rest, _ := strings.Cut(line, "  ")
			paths := path.FindAllString(rest, -1)
			slices.Sort(paths)
			line = fmt.Sprint(first, " ", paths)
		}
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, "code "+language+": "+line)
		}
	}
	return lines
}

package docs

import (
	"bytes"
	"embed"
	"html/template"
	"maps"
	"strings"
	texttemplate "text/template"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

//go:embed templates
var templateFiles embed.FS

var (
	pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{"marked": marked}).ParseFS(templateFiles, "templates/*.html"))
	noteTemplates = texttemplate.Must(texttemplate.New("").Funcs(texttemplate.FuncMap{"cell": cell}).ParseFS(templateFiles, "templates/*.md"))
)

// pages are the files that are not served as they are embedded, by name.
func (s Settings) pages(contract []byte) (map[string][]byte, error) {
	doc, err := parse(contract)
	if err != nil {
		return nil, err
	}
	operations, err := doc.operations()
	if err != nil {
		return nil, err
	}
	ui, err := swaggerUI()
	if err != nil {
		return nil, err
	}
	files := maps.Clone(ui)
	if files["index.html"], err = render("reference.html", newFrame(s, "reference", lang.English)); err != nil {
		return nil, err
	}
	for _, l := range []lang.Lang{lang.English, lang.Chinese} {
		told, err := newFlowsView(s, operations, l)
		if err != nil {
			return nil, err
		}
		if files[flowsPage(l)], err = render("flows.html", told); err != nil {
			return nil, err
		}
	}
	r := reference{doc, operations, s.Refusals, flows, s.Console}
	if err := r.decorate(); err != nil {
		return nil, err
	}
	var shown bytes.Buffer
	err = writeJSON(&shown, doc.root)
	files["openapi.json"] = shown.Bytes()
	return files, err
}

// flowsPage is the file that has the flows in a language.
func flowsPage(l lang.Lang) string { return "flows." + l.String() + ".html" }

func render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplates.ExecuteTemplate(&b, name, data)
	return b.Bytes(), err
}

// note is a piece of Markdown.
func note(name string, data any) (string, error) {
	var b strings.Builder
	err := noteTemplates.ExecuteTemplate(&b, name, data)
	return b.String(), err
}

// cell is text for a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// marked is a text as HTML, with what stands between backticks as code.
func marked(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String())
}

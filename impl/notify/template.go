package notify

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"text/template"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// builtIn are the texts unless an operator has others: <lang>/<channel>/<template>.txt.
//
//go:embed templates
var builtIn embed.FS

// Texts renders messages. It is safe for concurrent use.
type Texts struct {
	own     map[string]*template.Template // by "<userpool>/<file>": the operator's
	builtIn map[string]*template.Template // by file
}

// facts are what a text may say. None of it was typed by the person who is written to, or by anybody else from outside.
type facts struct {
	Name    string // of the userpool
	Code    string // empty for notices
	Minutes int    // life of the code
}

// LoadTexts reads the built-in texts and, if dir is not empty, an operator's: dir/<userpool id>/<lang>/<channel>/<template>.txt,
// any of them. A file that no message would use, or that does not render, is an error.
func LoadTexts(dir string) (*Texts, error) {
	root, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, err
	}
	t := &Texts{own: map[string]*template.Template{}}
	if t.builtIn, err = load(root, "."); err != nil {
		return nil, err
	}
	if dir == "" {
		return t, nil
	}
	pools, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("texts of messages: %w", err)
	}
	for _, pool := range pools {
		if !pool.IsDir() {
			return nil, fmt.Errorf("texts of messages: %s/%s is not the folder of a userpool", dir, pool.Name())
		}
		texts, err := load(os.DirFS(dir), pool.Name())
		if err != nil {
			return nil, fmt.Errorf("texts of messages in %s: %w", dir, err)
		}
		for file, text := range texts {
			if t.builtIn[file] == nil {
				return nil, fmt.Errorf("texts of messages in %s: %s/%s is the text of no message; there are %s", dir, pool.Name(), file, "<en|zh>/<email|phone>/<template>.txt")
			}
			t.own[pool.Name()+"/"+file] = text
		}
	}
	return t, nil
}

// sample is what texts are tried with.
var sample = facts{Name: "Menshen", Code: "000000", Minutes: 5}

// load reads the texts below root, by their path from there.
func load(files fs.FS, root string) (map[string]*template.Template, error) {
	texts := map[string]*template.Template{}
	err := fs.WalkDir(files, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		parsed, err := template.New(name).Parse(string(text))
		if err != nil {
			return err
		}
		file := strings.TrimPrefix(name, root+"/")
		subject, body, err := render(parsed, sample)
		switch isEmail := path.Base(path.Dir(file)) == string(message.Email); {
		case err != nil:
			return err
		case strings.HasSuffix(file, "/"+string(message.Code)+".txt") && !strings.Contains(body, sample.Code):
			return fmt.Errorf("%s does not say the code: {{.Code}}", name)
		case strings.TrimSpace(body) == "":
			return fmt.Errorf("%s says nothing", name)
		case isEmail != (subject != ""):
			return fmt.Errorf("%s: an e-mail, and nothing else, begins with a line \"Subject: ...\" and an empty line", name)
		}
		texts[file] = parsed
		return nil
	})
	return texts, err
}

var errText = errors.New("there is no text for the message")

// Render returns subject (of an e-mail) and text of a message of a userpool.
func (t *Texts) Render(m message.Message, l lang.Lang, f facts) (subject, text string, err error) {
	file := fmt.Sprintf("%s/%s/%s.txt", l, m.Channel, m.Template)
	parsed := t.own[m.UserpoolID+"/"+file]
	if parsed == nil {
		parsed = t.builtIn[file]
	}
	if parsed == nil {
		return "", "", errText
	}
	return render(parsed, f)
}

func render(t *template.Template, f facts) (subject, text string, err error) {
	var b strings.Builder
	if err := t.Execute(&b, f); err != nil {
		return "", "", err
	}
	text = strings.ReplaceAll(b.String(), "\r\n", "\n")
	if rest, ok := strings.CutPrefix(text, "Subject: "); ok {
		subject, text, _ = strings.Cut(rest, "\n")
	}
	return strings.TrimSpace(subject), strings.TrimSpace(text) + "\n", nil
}

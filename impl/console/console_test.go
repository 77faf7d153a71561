package console

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// sources are the files that are served, but for what others wrote.
func sources(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(static, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(name, "/vendor/") {
			return err
		}
		content, err := fs.ReadFile(static, name)
		files[strings.TrimPrefix(name, "static/")] = string(content)
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

// TestNoMarkupFromText: what somebody else wrote (a name, a message, the content of a QR code) can only ever be text, since no module
// has a way to make markup of it; and the policy, which would stop a script that came in anyway, finds nothing inline of ours.
func TestNoMarkupFromText(t *testing.T) {
	t.Parallel()
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\(|new Function|javascript:`)
	inline := regexp.MustCompile(`(?i)\son\w+\s*=|<style|\sstyle\s*=|<script(?:[^>]*)>[^<]`)
	for name, text := range sources(t) {
		if found := markup.FindString(text); found != "" {
			t.Errorf("%s: %s", name, found)
		}
		if found := inline.FindString(text); found != "" && strings.HasSuffix(name, ".html") {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// TestNothingFromElsewhere: no file of ours names another host.
func TestNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	address := regexp.MustCompile(`(?:https?:)?//[\w-]+\.[\w.-]+`)
	for name, text := range sources(t) {
		for _, found := range address.FindAllString(text, -1) {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// TestEveryWordIsUsed: a word that no page says is one that somebody translates in vain.
func TestEveryWordIsUsed(t *testing.T) {
	t.Parallel()
	files := sources(t)
	words := regexp.MustCompile(`(?m)^  (\w+):`).FindAllStringSubmatch(files["lib/en.js"], -1)
	if len(words) < 100 {
		t.Fatalf("%d words", len(words))
	}
	var code strings.Builder
	for name, text := range files {
		if strings.HasSuffix(name, ".js") && name != "lib/en.js" && name != "lib/zh.js" {
			code.WriteString(text)
		}
	}
	for _, word := range words {
		if !regexp.MustCompile(`\btext\.` + word[1] + `\b`).MatchString(code.String()) {
			t.Errorf("no page says %s", word[1])
		}
	}
}

// TestSettings: the pages sign in to the application that the program has made for them, and point to a reference only where there is
// one; the file that the type checker sees has the same settings.
func TestSettings(t *testing.T) {
	t.Parallel()
	exports := regexp.MustCompile(`export const (\w+)`)
	committed := exports.FindAllString(sources(t)["settings.js"], -1)
	for reference, want := range map[bool]string{true: "reference = true;", false: "reference = false;"} {
		pages, err := Handler(reference)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, Prefix+"/settings.js", nil))
		served := w.Body.String()
		if !strings.Contains(served, want) || !strings.Contains(served, `application = "`+ApplicationID+`";`) {
			t.Errorf("served: %s", served)
		}
		if got := exports.FindAllString(served, -1); strings.Join(got, " ") != strings.Join(committed, " ") {
			t.Errorf("served %v, committed %v", got, committed)
		}
	}
	if !strings.Contains(sources(t)["settings.js"], "application = '"+ApplicationID+"';") {
		t.Error("the committed file names another application")
	}
}

package channel

import (
	"errors"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// TestTemplates: the text of the letter's language goes first, then the one for all languages; never another language's,
// and never another text, since somebody would read what was not meant for them.
func TestTemplates(t *testing.T) {
	t.Parallel()
	all := templates{"code": "1", "code.zh": "2", "registered.en": "3"}
	if err := all.check(); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		template message.Template
		lang     lang.Lang
		want     string // empty for none
	}{
		{message.Code, lang.English, "1"},
		{message.Code, lang.Chinese, "2"},
		{message.Registered, lang.English, "3"},
		{message.Registered, lang.Chinese, ""},
		{message.PasswordChanged, lang.English, ""},
		{"", lang.English, ""},
		{"code.zh", lang.English, "2"}, // no such template; and no harm
		{"CODE", lang.English, ""},
	} {
		got, err := all.find(Letter{Template: test.template, Lang: test.lang})
		if got != test.want || (test.want == "") != errors.Is(err, ErrRefused) {
			t.Errorf("%s in %s: %q, %v; want %q", test.template, test.lang, got, err, test.want)
		}
	}
}

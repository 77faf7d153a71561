package channel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// templates are the vendor's names of the operator's texts. The key is one of ours, code or registered, or one in a
// language, "code.zh", which goes first.
type templates map[string]string

// check finds keys that no letter would ever ask for, and letters that have no text.
func (t templates) check() error {
	var errs []error
	missing := map[message.Template]bool{message.Code: true, message.Registered: true} // other notices are no SMS
	for _, key := range slices.Sorted(maps.Keys(t)) {
		name, language, inLanguage := strings.Cut(key, ".")
		if _, known := missing[message.Template(name)]; !known {
			errs = append(errs, fmt.Errorf("there is no SMS %q", name))
			continue
		}
		missing[message.Template(name)] = false
		if inLanguage && language != lang.English.String() && language != lang.Chinese.String() {
			errs = append(errs, fmt.Errorf("template %q is in no language that we speak", key))
		}
		if t[key] == "" {
			errs = append(errs, fmt.Errorf("template %q is empty", key))
		}
	}
	for _, name := range []message.Template{message.Code, message.Registered} {
		if missing[name] {
			errs = append(errs, fmt.Errorf("the template %q is missing", name))
		}
	}
	return errors.Join(errs...)
}

// find returns the vendor's name of the text for a letter.
func (t templates) find(l Letter) (string, error) {
	for _, key := range []string{string(l.Template) + "." + l.Lang.String(), string(l.Template)} {
		if name := t[key]; name != "" {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: the vendor has no template for %s in %s", ErrRefused, l.Template, l.Lang)
}

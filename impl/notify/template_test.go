package notify

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// texts are the messages that there are.
var texts = map[message.Channel][]message.Template{
	message.Email: {
		message.Code, message.Registered, message.PasswordChanged, message.EmailChanged, message.PhoneChanged, message.FactorBound,
		message.FactorRemoved, message.FactorDisabled, message.RecoveryCodesMade, message.RecoveryCodeUsed,
		message.FastpassUsed,
	},
	message.Phone: {message.Code, message.Registered},
}

// operator writes texts of an operator's, by file.
func operator(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for file, text := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBuiltInTexts: every message has a text in both languages, each in its own script; an e-mail has a subject and an
// SMS has none. A code is in the text with its life, and nothing of the person who is written to (C10).
func TestBuiltInTexts(t *testing.T) {
	t.Parallel()
	built, err := LoadTexts("")
	if err != nil {
		t.Fatal(err)
	}
	han, count := regexp.MustCompile(`\p{Han}`), 0
	for c, templates := range texts {
		for _, template := range templates {
			for _, l := range []lang.Lang{lang.English, lang.Chinese} {
				count++
				m := message.Message{UserpoolID: "poolcanary", Channel: c, To: "tocanary", Template: template}
				f := facts{Name: "Acme", Minutes: 7}
				if template == message.Code {
					f.Code = "271828"
				}
				subject, text, err := built.Render(m, l, f)
				name := l.String() + " " + string(c) + " " + string(template)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if (subject != "") != (c == message.Email) || strings.ContainsAny(subject, "\r\n") || strings.Contains(text, "Subject") {
					t.Errorf("%s: subject %q of %q", name, subject, text)
				}
				if han.MatchString(text) != (l == lang.Chinese) {
					t.Errorf("%s: %s", name, text)
				}
				all := subject + "\n" + text
				if strings.Contains(text, "271828") != (template == message.Code) || strings.Contains(text, "7") != (template == message.Code) {
					t.Errorf("%s: %s", name, all)
				}
				if !strings.Contains(all, "Acme") || strings.Contains(all, "canary") || strings.Contains(all, "<no value>") || strings.Contains(all, "{{") {
					t.Errorf("%s: %s", name, all)
				}
				if c == message.Phone && len([]rune(text)) > 140 {
					t.Errorf("%s: %d characters, more than one SMS", name, len([]rune(text)))
				}
			}
		}
	}
	if len(built.builtIn) != count {
		t.Errorf("%d texts for %d messages", len(built.builtIn), count)
	}
}

// TestNoText: a message that has no text is an error rather than an empty mail.
func TestNoText(t *testing.T) {
	t.Parallel()
	built, err := LoadTexts("")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []message.Message{
		{Channel: message.Phone, Template: message.PasswordChanged}, {Channel: message.Email, Template: "other"}, {Channel: "pigeon", Template: message.Code},
	} {
		if subject, text, err := built.Render(m, lang.English, facts{Name: "Acme"}); err == nil {
			t.Errorf("%+v: %q, %q", m, subject, text)
		}
	}
}

// TestOwnTexts: an operator's text takes the place of the built-in one for its userpool, language, channel and message,
// and of no other.
func TestOwnTexts(t *testing.T) {
	t.Parallel()
	own, err := LoadTexts(operator(t, map[string]string{
		"pool/en/email/code.txt":        "Subject:   {{.Code}} for {{.Name}} \r\n\r\nTake {{.Code}}.\r\nIn {{.Minutes}} minutes it is gone.\r\n\r\n",
		"pool/zh/phone/code.txt":        "【雅客】{{.Code}}\n",
		"third/en/email/registered.txt": "Subject: Subject: welcome back\n\nSubject: of the second line\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	f := facts{Name: "Acme", Code: "271828", Minutes: 5}
	for name, test := range map[string]struct {
		pool          string
		channel       message.Channel
		template      message.Template
		lang          lang.Lang
		subject, text string
	}{
		"own e-mail":       {"pool", message.Email, message.Code, lang.English, "271828 for Acme", "Take 271828.\nIn 5 minutes it is gone.\n"},
		"own SMS":          {"pool", message.Phone, message.Code, lang.Chinese, "", "【雅客】271828\n"},
		"other language":   {"pool", message.Email, message.Code, lang.Chinese, "Acme：您的验证码是 271828", ""},
		"other channel":    {"pool", message.Phone, message.Code, lang.English, "", "[Acme] 271828 is your verification code, good for 5 minutes. Do not pass it on.\n"},
		"other message":    {"pool", message.Email, message.Registered, lang.English, "Acme: you have an account already", ""},
		"other userpool":   {"other", message.Email, message.Code, lang.English, "Acme: your code is 271828", ""},
		"only the first":   {"third", message.Email, message.Registered, lang.English, "Subject: welcome back", "Subject: of the second line\n"},
		"no userpool's id": {"", message.Email, message.Code, lang.English, "Acme: your code is 271828", ""},
	} {
		m := message.Message{UserpoolID: test.pool, Channel: test.channel, Template: test.template}
		subject, text, err := own.Render(m, test.lang, f)
		if err != nil || subject != test.subject || test.text != "" && text != test.text {
			t.Errorf("%s: %q, %q, %v; want %q, %q", name, subject, text, err, test.subject, test.text)
		}
	}
}

// TestWrongTexts: a file that no message would use, or that would come out wrong, is refused at the start, and the error
// names it: whoever wrote it learns it then, and not from a person who got no code.
func TestWrongTexts(t *testing.T) {
	t.Parallel()
	const good = "Subject: {{.Code}}\n\n{{.Code}}\n"
	for name, test := range map[string]struct{ file, text, want string }{
		"not in a userpool":     {"code.txt", good, "code.txt"},
		"no such language":      {"pool/fr/email/code.txt", good, "pool/fr/email/code.txt"},
		"no such channel":       {"pool/en/sms/code.txt", "{{.Code}}\n", "pool/en/sms/code.txt"},
		"no such message":       {"pool/en/email/welcome.txt", good, "pool/en/email/welcome.txt"},
		"a notice by SMS":       {"pool/en/phone/password_changed.txt", "Changed\n", "pool/en/phone/password_changed.txt"},
		"another ending":        {"pool/en/email/code.html", good, "pool/en/email/code.html"},
		"too high up":           {"pool/en/code.txt", "{{.Code}}\n", "pool/en/code.txt"},
		"no template":           {"pool/en/email/code.txt", "Subject: {{.Code\n\nx\n", "pool/en/email/code.txt"},
		"unknown fact":          {"pool/en/email/code.txt", "Subject: {{.Code}}\n\nDear {{.To}}\n", "pool/en/email/code.txt"},
		"unknown function":      {"pool/en/email/code.txt", "Subject: {{env \"HOME\"}}\n\nx\n", "pool/en/email/code.txt"},
		"no subject":            {"pool/en/email/code.txt", "{{.Code}}\n", "Subject"},
		"empty subject":         {"pool/en/email/code.txt", "Subject: \n\n{{.Code}}\n", "Subject"},
		"a subject of an SMS":   {"pool/en/phone/code.txt", good, "Subject"},
		"nothing but a subject": {"pool/en/email/code.txt", "Subject: {{.Code}}\n", "pool/en/email/code.txt"},
		"empty":                 {"pool/en/phone/code.txt", "", "pool/en/phone/code.txt"},
		"blank":                 {"pool/zh/phone/registered.txt", " \n\n", "pool/zh/phone/registered.txt"},
	} {
		dir := operator(t, map[string]string{test.file: test.text, "good/en/email/code.txt": good})
		_, err := LoadTexts(dir)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "texts of messages") {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
	if _, err := LoadTexts(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a directory that is not there: %v", err)
	}
	if _, err := LoadTexts(t.TempDir()); err != nil {
		t.Errorf("a directory without texts: %v", err)
	}
}

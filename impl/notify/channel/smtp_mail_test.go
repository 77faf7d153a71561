package channel

import (
	"bytes"
	"net/mail"
	"slices"
	"strings"
	"testing"
)

// ourHeaders are all that an e-mail has, as the standard library spells them.
var ourHeaders = []string{
	"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To",
}

// injections are what people have put into fields of forms to make an e-mail another one.
var injections = []string{
	"\r\nBcc: evil@example.net", "\nBcc: evil@example.net", "\rBcc: evil@example.net", "\r\n\r\n<h1>hello</h1>", "\r\n.\r\nMAIL FROM:<evil@example.net>",
	"%0d%0aBcc: evil@example.net", "\u2028Bcc: evil@example.net", "\u0085Bcc: evil@example.net", "\x00Bcc: evil@example.net",
	"=?UTF-8?q?=0D=0ABcc:_evil@example.net?=", strings.Repeat(" ", 300) + "Bcc: evil@example.net", strings.Repeat("\t ", 100) + "x",
	strings.Repeat("长", 100) + "\r\n ", "\r\x0f", ", evil@example.net", ">, <evil@example.net", "\xff\xfe\r\n",
}

// checkMail says what is wrong with an e-mail that compose made: other headers than ours, another recipient, bare line
// breaks, another subject or text.
func checkMail(t *testing.T, l Letter, content []byte) {
	t.Helper()
	if rest := bytes.ReplaceAll(content, []byte("\r\n"), nil); bytes.ContainsAny(rest, "\r\n") {
		t.Errorf("bare line break in %q", content)
	}
	header, text := parseMail(t, content)
	var names []string
	for name := range header {
		names = append(names, name)
	}
	if slices.Sort(names); !slices.Equal(names, ourHeaders) {
		t.Errorf("headers are %q in %q", names, content)
	}
	if to, err := mail.ParseAddressList(header["To"]); err != nil || len(to) != 1 || to[0].Address != l.To {
		t.Errorf("goes to %q, want %q: %v", header["To"], l.To, err)
	}
	if want := oneLine(l.Subject); header["Subject"] != want && !strings.Contains(want, "=?") {
		t.Errorf("the subject is %q, want %q", header["Subject"], want)
	}
	if want := strings.ReplaceAll(strings.ReplaceAll(l.Text, "\r\n", "\n"), "\r", "\n"); text != want {
		t.Errorf("the text is %q, want %q", text, want)
	}
}

// TestNothingInjected (C10): whatever stands in subject and text, the e-mail has our headers and one recipient; an address
// that is more than an address is refused before anybody is connected to.
func TestNothingInjected(t *testing.T) {
	t.Parallel()
	c := newSMTP(t, SMTP{Addr: closedPort(t)}).(*smtpChannel)
	for _, injection := range injections {
		l := anEmail()
		l.Subject, l.Text = "Your code"+injection, "Hello"+injection+"\n.\nbye\n"
		content, err := c.compose(l)
		if err != nil {
			t.Fatal(err)
		}
		checkMail(t, l, content)
		for _, to := range []string{canaryTo + injection, injection + canaryTo, canaryUser + injection + "@example.org"} {
			l.To = to
			if got, err := deliver(t, c, l); got != refusedly {
				t.Errorf("to %q: %v", to, err)
			}
		}
		l = anEmail()
		l.ID += injection
		if got, err := deliver(t, c, l); got != refusedly {
			t.Errorf("ID %q: %v", l.ID, err)
		}
	}
	for _, to := range []string{
		"", "alice", "@example.org", "alice@", "Alice <alice@example.org>", "<alice@example.org>", "a@example.org,b@example.org",
		"a@example.org b@example.org", `"a b"@example.org`, `"a\"b"@example.org`, "undisclosed:a@example.org;", canaryTel,
		strings.Repeat("a", 250) + "@example.org", "a@[1.2.3.4> SIZE=1]", "a\u0085b@example.org",
		"a\u2028b@example.org", "a\u00a0b@example.org", "a@example.org\u3000",
	} {
		l := anEmail()
		l.To = to
		if got, err := deliver(t, c, l); got != refusedly {
			t.Errorf("to %q: %v", to, err)
		}
	}
}

// FuzzMail (C10): no address, subject or text makes an e-mail with other headers than ours, or another recipient.
func FuzzMail(f *testing.F) {
	c, err := NewSMTP(SMTP{Addr: "localhost:25", From: "门神 <no-reply@example.com>"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(canaryTo, "Your code", canaryText)
	f.Add("门神@例子.org", "您的验证码", "一\n二\n")
	for _, injection := range injections {
		f.Add(canaryTo+injection, "Your code"+injection, "Hello"+injection)
	}
	f.Fuzz(func(t *testing.T, to, subject, text string) {
		l := anEmail()
		l.To, l.Subject, l.Text = to, subject, text
		content, err := c.(*smtpChannel).compose(l)
		if err != nil {
			if classify(err) != refusedly || strings.Contains(err.Error(), to) && len(to) > 3 {
				t.Errorf("%v", err)
			}
			return
		}
		checkMail(t, l, content)
	})
}

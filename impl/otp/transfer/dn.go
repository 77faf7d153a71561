package transfer

import (
	"encoding/hex"
	"strings"
)

// formatDN returns the distinguished name "CN=user" (RFC 4514 section 2.4), which is how PSKC names a user.
func formatDN(user string) string {
	var b strings.Builder
	b.WriteString("CN=")
	for i, r := range user {
		switch {
		case strings.ContainsRune(`"+,;<>\`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == ' ' && (i == 0 || i == len(user)-1), r == '#' && i == 0:
			b.WriteString(`\` + hex.EncodeToString([]byte{byte(r)})) // as a space in front or at the end, it would be trimmed
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// parseDN returns the user of a distinguished name: the first UID, else the first CN. Many systems write a plain name there:
// what is no distinguished name, or has neither, is the user as it stands.
func parseDN(text string) string {
	users := map[string]string{}
	for rest := text; rest != ""; {
		name, value, found := strings.Cut(rest, "=")
		if !found {
			return text
		}
		if value, rest, found = cutValue(value); !found {
			return text
		}
		name = strings.ToUpper(strings.TrimSpace(name))
		if _, had := users[name]; !had {
			users[name] = value
		}
	}
	for _, name := range []string{"UID", "CN"} {
		if user := users[name]; user != "" {
			return user
		}
	}
	return text
}

// cutValue reads a value up to a separator that is not escaped.
func cutValue(text string) (value, rest string, ok bool) {
	text = strings.TrimLeft(text, " ")
	if strings.HasPrefix(text, "#") || strings.HasPrefix(text, `"`) { // BER in hexadecimal; the quotes of RFC 1779
		return "", "", false
	}
	var b strings.Builder
	end := 0 // of the value without spaces that follow it
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ',', ';', '+':
			return b.String()[:end], text[i+1:], i+1 < len(text)
		case '\\':
			escaped, n := unescape(text[i+1:])
			if n == 0 {
				return "", "", false
			}
			b.WriteByte(escaped)
			i += n
			end = b.Len()
		default:
			b.WriteByte(c)
			if c != ' ' {
				end = b.Len()
			}
		}
	}
	return b.String()[:end], "", true
}

// unescape reads what follows a backslash, of n bytes: two hexadecimal digits, or a character that has a meaning.
func unescape(text string) (c byte, n int) {
	if len(text) >= 2 {
		if decoded, err := hex.DecodeString(text[:2]); err == nil {
			return decoded[0], 2
		}
	}
	if text != "" && strings.IndexByte(`"+,;<>\ #=`, text[0]) >= 0 {
		return text[0], 1
	}
	return 0, 0
}

package contract

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A canary in every member and header that a secret may be in: each is another one, and looks like a password, a token and a
// seed alike, so that operations take it as far as they can.
type aviary struct {
	secrets, phones map[string]string // where each was
}

var (
	secretName = regexp.MustCompile(`(?i)password|secret|token|code$|code_|codeid|ticket|totp|signature|assertion|authorization|qrcodeid|appsecret|accesskey`)
	phoneName  = regexp.MustCompile(`(?i)phone`)
)

// canary is a new one for a member; "" for a member that holds no secret.
func (v *aviary) canary(op operation, name string) string {
	where := op.OperationID + " " + name
	switch {
	case phoneName.MatchString(name):
		n := len(v.phones)
		phone := fmt.Sprintf("+86139%08d", 31415926+n*7)
		v.phones[phone] = where
		return phone
	case secretName.MatchString(name):
		letters := strings.NewReplacer("0", "G", "1", "H", "8", "I", "9", "J").Replace(fmt.Sprintf("%06d", len(v.secrets)))
		secret := "CANARY" + letters + "SINGSATDAWNINTHEMINE"
		v.secrets[secret] = where
		return secret
	}
	return ""
}

// requests are those of an operation with a canary in one place each.
func (v *aviary) requests(op operation) (list []request) {
	whole := request{method: op.method, path: op.path}
	switch {
	case op.body(mediaXML) != nil:
		whole.media, whole.body = mediaXML, xmlSample(op)
	case op.RequestBody != nil:
		whole.media, whole.body = op.sentAs(), string(sample(op))
		if whole.media == mediaForm {
			whole.body = form(sample(op))
		}
	}
	for _, parameter := range op.Parameters {
		if c := v.canary(op, parameter.Value.Name); c != "" && parameter.Value.In == "query" {
			r := whole
			r.path += "?" + url.Values{parameter.Value.Name: {c}}.Encode()
			list = append(list, r)
		} else if c != "" {
			list = append(list, whole.with(parameter.Value.Name, c))
		}
	}
	for _, header := range []string{"Access-Token", "Authorization", "Refresh-Token"} {
		list = append(list, whole.with(header, v.canary(op, header+" token")))
	}
	for _, object := range v.objects(op) {
		r := whole
		r.body = object
		list = append(list, r)
	}
	return list
}

// objects are the bodies of an operation.
func (v *aviary) objects(op operation) (list []string) {
	if op.RequestBody == nil || op.body(mediaXML) != nil {
		return nil
	}
	for _, object := range samples(op) {
		names := namesOf(object)
		eachMember(object, func(replace func(string) string) {
			name := names[0]
			names = names[1:]
			c := v.canary(op, name)
			if c == "" {
				return
			}
			body := replace(strconv.Quote(c))
			if op.sentAs() == mediaForm {
				body = form([]byte(body))
			}
			list = append(list, body)
		})
	}
	return list
}

// namesOf are the names of the members that eachMember visits.
func namesOf(object []byte) (names []string) {
	member := regexp.MustCompile(`"([^"]+)":"\x00"`)
	eachMember(object, func(replace func(string) string) {
		names = append(names, member.FindStringSubmatch(replace("\"\x00\""))[1])
	})
	return names
}

// shapes are the ways in which a canary may turn up: as it is, as the database writes bytes, encoded, or as the seed that it is.
func shapes(canary string) []string {
	list := []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))}
	if seed, err := base32.StdEncoding.DecodeString(canary); err == nil {
		list = append(list, hex.EncodeToString(seed))
	}
	return list
}

// caught are the canaries that are in a text, in whatever shape, with where they came from.
func caught(text string, canaries map[string]string) (list []string) {
	text = strings.ToLower(text)
	for canary, of := range canaries {
		for _, shape := range shapes(canary) {
			if strings.Contains(text, strings.ToLower(shape)) {
				list = append(list, of+", as "+shape)
			}
		}
	}
	return list
}

func wantNone(t *testing.T, where, text string, canaries map[string]string) {
	t.Helper()
	for _, c := range caught(text, canaries) {
		t.Errorf("%s: the canary of %s is there", where, c)
	}
}

// TestNoCanaryGetsOut (T13, C5): hundreds of secrets, each another, go through every operation: passwords, tokens, seeds, codes,
// keys, phone numbers. The log at debug level, the metrics and a dump of the database, with its audit log, hold none of them;
// phone numbers are in the table of users alone.
func TestNoCanaryGetsOut(t *testing.T) {
	t.Parallel()
	h := start(t)
	token, alice := bearer(t, h), h.SignUp("alice")
	v, took := &aviary{map[string]string{}, map[string]string{}}, 0
	for _, op := range operations(t) {
		credentials := map[string]string{"Access-Token": alice.AccessToken, "Authorization": alice.AccessToken}
		if takes(op, "ManagementToken") {
			credentials["Authorization"] = token
		}
		for _, r := range v.requests(op) {
			if a := send(t, h, r.unless(credentials)); a.status == 200 && op.enveloped() && op.dialect.read(t, a.body).success {
				took++
			}
		}
	}
	h.Settle()
	log, metrics := h.Log.String(), h.Metrics()
	for _, op := range operations(t) {
		if !strings.Contains(log, "operation="+op.OperationID) || !strings.Contains(metrics, `operation="`+op.OperationID+`"`) {
			t.Errorf("log or metrics do not tell of %s: nothing went through it", op.OperationID)
		}
	}
	all := maps.Clone(v.secrets)
	maps.Copy(all, v.phones)
	wantNone(t, "log", log, all)
	wantNone(t, "metrics", metrics, all)
	wantNone(t, "backup", h.PgDump(), v.secrets)
	wantNone(t, "backup without users", h.PgDump("--exclude-table-data=users"), v.phones)
	if len(all) < 200 || len(v.phones) == 0 || took == 0 {
		t.Errorf("%d canaries, %d of them phone numbers, %d requests that succeeded", len(all), len(v.phones), took)
	}
	t.Attr("operations", strconv.Itoa(len(operations(t))))
	t.Attr("canaries", strconv.Itoa(len(all)))
	t.Attr("succeeded", strconv.Itoa(took))
}

// TestCanariesAreCaught: what looks for them finds one in each of its four shapes, and none where there is none.
func TestCanariesAreCaught(t *testing.T) {
	t.Parallel()
	v := &aviary{map[string]string{}, map[string]string{}}
	canary := v.canary(operations(t)[0], "password")
	seed, err := base32.StdEncoding.DecodeString(canary)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"before " + canary + " behind", strings.ToLower(canary), fmt.Sprintf(`\\x%x`, canary), base64.StdEncoding.EncodeToString([]byte(canary)), fmt.Sprintf(`\\x%x`, seed),
	} {
		if len(caught(text, v.secrets)) == 0 {
			t.Errorf("not caught in %s", text)
		}
	}
	if list := caught("nothing "+canary[1:], v.secrets); len(list) != 0 {
		t.Errorf("caught where there is none: %s", list)
	}
}

package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// canary stands for a secret that somebody sent in the wrong place or the wrong form.
const canary = "cAnArY7secret"

// TestRefusalsNeverQuoteWhatWasSent: a password in the wrong field, a token that is too long, a number that is a string:
// no refusal gives it back, and the log does not have it either.
func TestRefusalsNeverQuoteWhatWasSent(t *testing.T) {
	t.Parallel()
	h := start(t)
	token := bearer(t, h)
	alice := h.SignUp("alice")
	refused := 0
	for _, op := range operations(t) {
		credentials := map[string]string{"Access-Token": alice.AccessToken, "Authorization": alice.AccessToken}
		if takes(op, "ManagementToken") {
			credentials["Authorization"] = token
		}
		for i, r := range canaries(op) {
			if i%3 != 0 {
				r = r.unless(credentials) // the others are refused for want of credentials, if any are needed
			}
			if i%2 != 0 {
				r = r.with("Accept", mediaProblem)
			}
			a := send(t, h, r)
			checkAnswer(t, op, a)
			if a.status == http.StatusOK && op.enveloped() && op.dialect.read(t, a.body).success {
				continue // an operation may answer with what it was given
			}
			refused++
			if text := strings.ToLower(string(a.body)); strings.Contains(text, strings.ToLower(canary)) {
				t.Errorf("%s %s %.200s\nanswers %s", op.method, op.path, r.body, a.body)
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d refusals were looked at", refused)
	}
	if strings.Contains(strings.ToLower(h.Log.String()), strings.ToLower(canary)) {
		t.Error("what was sent is in the log")
	}
}

func takes(op operation, scheme string) bool {
	for _, requirement := range *op.Security {
		if _, ok := requirement[scheme]; ok {
			return true
		}
	}
	return false
}

// canaries returns requests of an operation with the canary in one field each: as it is, too long for any field, as a
// number, in a list and in an object.
func canaries(op operation) []request {
	values := []string{canary, strings.Repeat(canary, 700), "Bearer " + canary, canary + "@" + canary}
	var list []request
	for _, parameter := range op.Parameters {
		for _, value := range values {
			r := request{method: op.method, path: op.path}
			switch {
			case op.body(mediaXML) != nil:
				r.media, r.body = mediaXML, xmlSample(op)
			case op.RequestBody != nil:
				r.media, r.body = op.sentAs(), string(sample(op))
				if r.media == mediaForm {
					r.body = form(sample(op))
				}
			}
			if parameter.Value.In == openapi3.ParameterInQuery {
				r.path += "?" + url.Values{parameter.Value.Name: {value}}.Encode()
			} else {
				r = r.with(parameter.Value.Name, value)
			}
			list = append(list, r)
		}
	}
	if op.body(mediaXML) != nil {
		for _, value := range values {
			escaped := "<xml><FromUserName>" + value + "</FromUserName><EventKey><![CDATA[" + value + "]]></EventKey></xml>"
			for _, body := range []string{value, escaped, "<" + value + "/>", "<!DOCTYPE " + value + ">" + xmlSample(op)} {
				list = append(list, request{path: op.path, media: mediaXML, body: body})
			}
		}
	}
	if op.body(mediaJSON) == nil {
		return append(list, canaryForms(op, values)...)
	}
	for _, value := range values {
		for _, written := range []string{
			fmt.Sprintf("%q", value), fmt.Sprintf("[%q]", value), fmt.Sprintf(`{"x":%q}`, value), fmt.Sprintf(`[[{"x":[%q]}]]`, value),
		} {
			list = append(list, post(op.path, written))
			for _, object := range samples(op) {
				eachMember(object, func(replace func(string) string) {
					list = append(list, post(op.path, replace(written)))
				})
			}
		}
		broken := fmt.Sprintf(`{"a":%q`, value)
		list = append(list, post(op.path, broken), request{path: op.path, media: mediaForm, body: "a=" + url.QueryEscape(value) + "&a=b"})
	}
	return list
}

// canaryForms is the same for an operation that takes a form only.
func canaryForms(op operation, values []string) (list []request) {
	if op.body(mediaForm) == nil {
		return nil
	}
	for _, value := range values {
		escaped := url.QueryEscape(value)
		for _, body := range []string{escaped, escaped + "=a", "a=" + escaped, "a=" + escaped + "&a=b", "a=" + escaped + "%zz"} {
			list = append(list, request{path: op.path, media: mediaForm, body: body})
		}
		eachMember(sample(op), func(replace func(string) string) {
			body := form([]byte(replace(fmt.Sprintf("%q", value))))
			list = append(list, request{path: op.path, media: mediaForm, body: body}, request{path: op.path, media: mediaForm, body: body + "&" + body})
		})
	}
	return list
}

package contract

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// good is a request with a JSON body that each dialect takes from anybody.
var good = map[dialect]request{
	base:   post("/user/register", `{"username":"gate","password":"correct horse battery"}`),
	status: post("/api/v3/get-management-token", `{"accessKeyId":"a","accessKeySecret":"b"}`),
	code:   post("/api/v1/system/user/login", `{"account":"a","loginType":"pwd","password":"b","codeID":"c","code":"1"}`),
}

// firstMember is the first member of each of them.
var firstMember = map[dialect]string{base: "username", status: "accessKeyId", code: "account"}

// refusal is what the gate answers.
type refusal struct {
	status int
	code   string // of problem details
	says   string // part of the message, in English
	allow  string
}

// numbers of the code dialect, by HTTP status.
var codeNumbers = map[int]int{400: 100006, 404: 100009, 405: 100013, 413: 100015, 415: 100014}

func invalid(says string) refusal { return refusal{status: 400, code: "request.invalid", says: says} }

// broken are the ways to break any request, the same in every dialect.
var broken = []struct {
	name   string
	change func(d dialect, r *request)
	want   refusal
}{
	{"unknown route", func(_ dialect, r *request) { r.path += "-not" }, refusal{status: 404, code: "request.unknown_route", says: "no such operation"}},
	{"route with a slash at its end", func(_ dialect, r *request) { r.path += "/" }, refusal{status: 404, code: "request.unknown_route"}},
	{"GET", func(_ dialect, r *request) { r.method = "GET" }, refusal{status: 405, code: "request.method", allow: "POST"}},
	{"DELETE", func(_ dialect, r *request) { r.method = "DELETE" }, refusal{status: 405, code: "request.method", says: "use POST", allow: "POST"}},
	{"OPTIONS", func(_ dialect, r *request) { r.method = "OPTIONS" }, refusal{status: 405, code: "request.method", allow: "POST"}},
	{"method of somebody's own", func(_ dialect, r *request) { r.method = "SUMMON" }, refusal{status: 405, code: "request.method", allow: "POST"}},

	{"text", media("text/plain"), refusal{status: 415, code: "request.media_type", says: "content type"}},
	{"XML", media("application/xml"), refusal{status: 415, code: "request.media_type"}},
	{"other JSON", media("application/merge-patch+json"), refusal{status: 415, code: "request.media_type"}},
	{"no content type", media(""), refusal{status: 415, code: "request.media_type"}},
	{"malformed content type", media("application/json; ="), refusal{status: 415, code: "request.media_type"}},
	{"64 KiB and a byte", func(_ dialect, r *request) { r.body += strings.Repeat(" ", 64<<10+1-len(r.body)) }, refusal{status: 413, code: "request.too_large", says: "65536 bytes"}},
	{"a megabyte", func(_ dialect, r *request) { r.body += strings.Repeat(" ", 1<<20) }, refusal{status: 413, code: "request.too_large"}},

	{"no body", body(""), invalid("body: is required")},
	{"blank body", body(" \n"), invalid("body: is not JSON")},
	{"half a body", func(_ dialect, r *request) { r.body = r.body[:len(r.body)-1] }, invalid("body: is not JSON")},
	{"single quotes", body(`{'a':1}`), invalid("body: is not JSON")},
	{"byte order mark", func(_ dialect, r *request) { r.body = "\uFEFF" + r.body }, invalid("body: is not JSON")},
	{"trailing value", func(_ dialect, r *request) { r.body += "{}" }, invalid("body: has more than one JSON value")},
	{"trailing text", func(_ dialect, r *request) { r.body += "x" }, invalid("body: has more than one JSON value")},
	{"member twice", func(d dialect, r *request) { r.body = duplicate(r.body, firstMember[d]) }, invalid("body: a member comes twice")},
	{"member twice, once escaped", func(d dialect, r *request) {
		r.body = duplicate(r.body, fmt.Sprintf(`\u%04x`, firstMember[d][0])+firstMember[d][1:])
	}, invalid("body: a member comes twice")},
	{"member twice, deep down", func(_ dialect, r *request) { r.body = r.body[:len(r.body)-1] + `,"x":[{"y":{"z":1,"z":1}}]}` }, invalid("body: a member comes twice")},
	{"NUL", func(_ dialect, r *request) { r.body = strings.Replace(r.body, `":"`, "\":\"\x00", 1) }, invalid("body: is not JSON")},
	{"NUL, escaped", func(_ dialect, r *request) { r.body = strings.Replace(r.body, `":"`, `":"\u0000`, 1) }, invalid("body: contains NUL")},
	{"NUL in a name", func(_ dialect, r *request) { r.body = strings.Replace(r.body, `":"`, `\u0000":"`, 1) }, invalid("body: contains NUL")},
	{"bytes that are not UTF-8", func(_ dialect, r *request) { r.body = strings.Replace(r.body, `":"`, "\":\"\xff\xfe", 1) }, invalid("body: is not UTF-8")},
	{"34 levels", func(_ dialect, r *request) { r.body = nested(r.body, 34) }, invalid("body: is nested too deeply")},
	{"10,000 levels", func(_ dialect, r *request) { r.body = nested(r.body, 10_000) }, invalid("body: is nested too deeply")},

	{"null", body("null"), invalid("body: ")},
	{"array", body("[]"), invalid("body: value must be an object")},
	{"string", body(`"{}"`), invalid("body: value must be an object")},
	{"missing member", func(d dialect, r *request) { r.body = strings.Replace(r.body, firstMember[d], "other", 1) }, invalid(" is required")},
	{"member in other case", func(d dialect, r *request) {
		r.body = strings.Replace(r.body, firstMember[d], strings.ToUpper(firstMember[d]), 1)
	}, invalid(" is required")},
	{"wrong type", func(d dialect, r *request) { r.body = setFirst(r.body, "7") }, invalid(": value must be a string")},
	{"null for a string", func(d dialect, r *request) { r.body = setFirst(r.body, "null") }, invalid(": Value is not nullable")},
	{"array for a string", func(d dialect, r *request) { r.body = setFirst(r.body, `["x"]`) }, invalid(": value must be a string")},
	{"malformed query", func(_ dialect, r *request) { r.path += "?a=%zz" }, invalid("query: is malformed")},
	{"NUL in the query", func(_ dialect, r *request) { r.path += "?a=%00" }, invalid("query: contains NUL")},
	{"query that is not UTF-8", func(_ dialect, r *request) { r.path += "?%ff=a" }, invalid("query: is not UTF-8")},
}

func media(value string) func(dialect, *request) {
	return func(_ dialect, r *request) { r.media = value }
}

func body(value string) func(dialect, *request) {
	return func(_ dialect, r *request) { r.body = value }
}

// duplicate adds the member name a second time.
func duplicate(body, name string) string { return body[:len(body)-1] + `,"` + name + `":"again"}` }

// nested adds a member that is an array in an array and so on.
func nested(body string, depth int) string {
	return body[:len(body)-1] + `,"deep":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
}

// setFirst replaces the value of the first member, a string.
func setFirst(body, value string) string {
	before, rest, _ := strings.Cut(body, `":"`)
	_, after, _ := strings.Cut(rest, `"`)
	return before + `":` + value + after
}

// TestGateRefusesBrokenRequests: what breaks the contract never reaches a handler, and is told so with a real status in
// the dialect of whom it tells, or as problem details when these are asked for.
func TestGateRefusesBrokenRequests(t *testing.T) {
	t.Parallel()
	h := start(t)
	for d, sane := range good {
		op := operationAt(t, sane.path)
		for _, c := range broken {
			t.Run(string(d)+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				r := sane
				c.change(d, &r)
				a := send(t, h, r)
				checkRefusal(t, d, a, c.want)
				checkAnswer(t, op, a)

				a = send(t, h, r.with("Accept", mediaProblem))
				checkProblem(t, a, c.want)
				checkAnswer(t, op, a)
			})
		}
	}
}

// operationAt returns the operation of a route.
func operationAt(t testing.TB, path string) operation {
	t.Helper()
	for _, op := range operations(t) {
		if op.path == path {
			return op
		}
	}
	t.Fatalf("no operation at %s", path)
	return operation{}
}

// checkRefusal looks at a refusal of the gate in the dialect.
func checkRefusal(t *testing.T, d dialect, a answer, want refusal) {
	t.Helper()
	if a.status != want.status || a.media() != mediaJSON || a.header.Get("Allow") != want.allow {
		t.Fatalf("HTTP %d %s, Allow %q: %.300s", a.status, a.media(), a.header.Get("Allow"), a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Language") != "en" {
		t.Errorf("headers %v", a.header)
	}
	o := d.read(t, a.body)
	number := map[dialect]int{base: -1, status: want.status, code: codeNumbers[want.status]}[d]
	if o.number != number || o.data != nil || !strings.Contains(o.message, want.says) {
		t.Errorf("want the number %d and %q: %.300s", number, want.says, a.body)
	}
}

// checkProblem looks at a refusal as problem details, which are the same in every dialect.
func checkProblem(t *testing.T, a answer, want refusal) {
	t.Helper()
	p := a.problem(t)
	if a.status != want.status || p.Status != want.status || p.Code != want.code || p.Type != "about:blank" {
		t.Errorf("HTTP %d, want %d with %s: %.300s", a.status, want.status, want.code, a.body)
	}
	if !strings.Contains(p.Title+p.Detail, want.says) || p.RequestID != a.header.Get("X-Request-Id") || a.header.Get("Allow") != want.allow {
		t.Errorf("want %q: %.300s", want.says, a.body)
	}
}

// TestUnknownRouteSpeaksTheNearestDialect: a caller that mistypes a route gets an answer that its client can read.
func TestUnknownRouteSpeaksTheNearestDialect(t *testing.T) {
	t.Parallel()
	h := start(t)
	for path, want := range map[string]dialect{
		"/auth/mfa/no-such":                   base,
		"/auth/mfa":                           base,
		"/user/logout":                        base,
		"/api/v1/system/user/info":            code,
		"/api/v1":                             code,
		"/api/v3/no-such":                     status,
		"/api":                                status, // two dialects are as near
		"/":                                   status,
		"/oidc/no-such":                       oauth,
		"/oidc":                               oauth,
		"/api/v3/../../user/login":            status, // not cleaned: it is no route
		"//user/login":                        status,
		"/user/login%00":                      base,
		"/USER/LOGIN":                         status,
		"/api/v3/get-user/extra":              status,
		"/" + strings.Repeat("a/", 2000):      status,
		"/user/" + strings.Repeat("a", 4<<10): base,
	} {
		a := send(t, h, get(path))
		if a.status != http.StatusNotFound {
			t.Errorf("%.40s: HTTP %d", path, a.status)
		}
		want.read(t, a.body)
		checkHeaders(t, want, a)
	}
}

// TestHeadIsGetWithoutABody (RFC 9110 section 9.3.2); where there is no GET it is refused like any other method.
func TestHeadIsGetWithoutABody(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, op := range operations(t) {
		allowed := slices.Sorted(maps.Keys(op.item.Operations()))
		head := send(t, h, request{method: http.MethodHead, path: op.path})
		same := send(t, h, get(op.path))
		if head.status != same.status || head.media() != same.media() || head.header.Get("Allow") != same.header.Get("Allow") || len(head.body) != 0 {
			t.Errorf("HEAD %s: HTTP %d %s, %d bytes; GET: HTTP %d %s", op.path, head.status, head.media(), len(head.body), same.status, same.media())
		}
		if slices.Equal(allowed, []string{http.MethodPost}) && (head.status != http.StatusMethodNotAllowed || head.header.Get("Allow") != "POST") {
			t.Errorf("HEAD %s: HTTP %d, Allow %q", op.path, head.status, head.header.Get("Allow"))
		}
		checkCommonHeaders(t, head)
	}
}

// TestEscapedRouteIsNoRoute: a route has one spelling, for everybody who filters by it, and what is no route is refused
// before credentials are looked at: looking at a refresh token spends it.
func TestEscapedRouteIsNoRoute(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, path := range []string{"/api/v3/get%2Duser?userId=a", "/auth%2Fmfa/qrcode", "/%75ser/info"} {
		if a := send(t, h, get(path)); a.status != http.StatusNotFound {
			t.Errorf("%s: HTTP %d %.200s", path, a.status, a.body)
		}
	}
}

package hook

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/authn"
)

var (
	noon = time.Date(2026, 5, 4, 20, 0, 0, 123456789, time.FixedZone("CST", 8*3600))
	some = authn.Attempt{
		ID: "attempt", UserpoolID: "pool", AppID: "app", UserID: "alice-id", Username: "alice", DisplayName: "Alice <&>",
		Method: authn.MethodPassword, IP: "192.0.2.1", UserAgent: `curl "<8>"`,
	}
)

// TestEventIsExact: whole events are these, byte for byte.
func TestEventIsExact(t *testing.T) {
	t.Parallel()
	const data = `"data":{"attemptId":"attempt","userpoolId":"pool","applicationId":"app","user":{"id":"alice-id","username":"alice",` +
		`"displayName":"Alice \u003c\u0026\u003e"},"method":"password","ip":"192.0.2.1","userAgent":"curl \"\u003c8\u003e\"",`
	const head = `{"type":"authentication.%s","timestamp":"2026-05-04T12:00:00.123Z",` + data
	a := some
	a.Context = json.RawMessage(`{"from": "qr"}`)
	for want, o := range map[string]*authn.Opened{
		fmt.Sprintf(head, "pre") + `"context":{"from": "qr"}}}`:                                            nil,
		fmt.Sprintf(head, "post") + `"sessionId":"session","amr":["pwd","otp"],"context":{"from": "qr"}}}`: {SessionID: "session", AMR: []string{"pwd", "otp"}},
	} {
		body, err := about(a, o, noon)
		if err != nil || string(body) != want {
			t.Errorf("%s, %v\nwant %s", body, err, want)
		}
	}
	a.Username, a.Context = "", nil
	body, err := about(a, nil, noon)
	if err != nil || strings.Contains(string(body), "username") || !strings.HasSuffix(string(body), `,"context":{}}}`) {
		t.Errorf("without user name and context: %s, %v", body, err)
	}
}

// TestContextIsNotTouched: a hook gets the bytes that the client has sent: spaces, the order and the number of members,
// digits and escapes, and nothing in it moves to another place.
func TestContextIsNotTouched(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{
		`{}`, `{ }`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"n":12345678901234567890.10}`, `{"n":1E400}`, `{"s":"\u00e9é<>&\u2028\/"}`,
		"{\n\t\"a\" : [ 1 , 2 ]\r\n}", `{"data":{"user":{"id":"root"}},"type":"x"}`, `{"a":{"b":{"c":"}}"}}}`,
	} {
		a := some
		a.Context = json.RawMessage(sent)
		body, err := about(a, nil, noon)
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Type string
			Data struct {
				User    struct{ ID string }
				Context json.RawMessage
			}
		}
		if err := json.Unmarshal(body, &read); err != nil || string(read.Data.Context) != sent || read.Type != typePre || read.Data.User.ID != "alice-id" {
			t.Errorf("%s became %s: %v", sent, body, err)
		}
	}
}

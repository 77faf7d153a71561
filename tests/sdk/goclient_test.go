package sdk

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness"
)

// TestGoClientStarts: the SDK for Go, which cannot be installed here, asks when it starts whether its secret is right, and ends the
// program if the answer is not of these types. The request is as that SDK writes it.
func TestGoClientStarts(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	header := http.Header{
		"Content-Type": {"application/json;charset=UTF-8"}, "X-Authing-App-Id": {h.Credentials.AppID},
		"X-Authing-Sdk-Version": {"authing-golang-sdk:3.0.15"},
	}
	for secret, valid := range map[string]bool{h.Credentials.AppSecret: true, "guessed": false, "": false} {
		body := harness.JSON(map[string]string{"appId": h.Credentials.AppID, "appSecret": secret})
		r := h.Send(http.MethodPost, "/api/v3/check-app-id-secret", header, string(body))
		var answer struct {
			StatusCode int
			Message    string
			APICode    int
			RequestID  string
			Data       struct {
				Valid   bool
				Message string
			}
		}
		if err := json.Unmarshal(r.Body, &answer); err != nil || answer.StatusCode != http.StatusOK || answer.Data.Valid != valid {
			t.Errorf("secret %q: %v: %s", secret, err, r.Body)
		}
	}
}

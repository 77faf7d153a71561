package hook

import (
	"encoding/json"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// Types of events.
const (
	typePre  = "authentication.pre"
	typePost = "authentication.post"
	typeTest = "hook.test"
)

// event is what a hook gets. Its data end with the context, which append puts there.
type event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // RFC 3339, of the event and not of the try
	Data      any       `json:"data"`
}

type attemptData struct {
	AttemptID     string       `json:"attemptId"` // the same in both stages
	UserpoolID    string       `json:"userpoolId"`
	ApplicationID string       `json:"applicationId"`
	User          userData     `json:"user"`
	Method        authn.Method `json:"method"`
	IP            string       `json:"ip"`
	UserAgent     string       `json:"userAgent"`
	SessionID     string       `json:"sessionId,omitempty"` // afterwards
	AMR           []string     `json:"amr,omitempty"`       // afterwards
}

type userData struct {
	ID          string `json:"id"`
	Username    string `json:"username,omitempty"`
	DisplayName string `json:"displayName"`
}

type testData struct {
	HookID        string `json:"hookId"`
	UserpoolID    string `json:"userpoolId"`
	ApplicationID string `json:"applicationId"`
}

// write returns the event as JSON.
func (e event) write() ([]byte, error) {
	e.Timestamp = e.Timestamp.UTC().Truncate(time.Millisecond)
	return json.Marshal(e)
}

// about is the event about an attempt.
func about(a authn.Attempt, o *authn.Opened, at time.Time) ([]byte, error) {
	data := attemptData{
		AttemptID: a.ID, UserpoolID: a.UserpoolID, ApplicationID: a.AppID, Method: a.Method, IP: a.IP, UserAgent: a.UserAgent,
		User: userData{ID: a.UserID, Username: a.Username, DisplayName: a.DisplayName},
	}
	e := event{Type: typePre, Timestamp: at}
	if o != nil {
		e.Type, data.SessionID, data.AMR = typePost, o.SessionID, o.AMR
	}
	e.Data = data
	body, err := e.write()
	if err != nil {
		return nil, err
	}
	sent := a.Context
	if len(sent) == 0 {
		sent = json.RawMessage("{}")
	}
	// Not as a part of the struct: the encoder would write it in its own way, and a hook may compare it, or check a signature.
	body = append(body[:len(body)-len("}}")], `,"context":`...)
	body = append(body, sent...)
	return append(body, "}}"...), nil
}

// test is the event of `menshen hook test`.
func test(h db.Hook, at time.Time) ([]byte, error) {
	return event{typeTest, at, testData{h.ID, h.UserpoolID, h.AppID}}.write()
}

package authn

import (
	"context"
	"encoding/json"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Method is the first factor of a sign-in.
type Method string

// The methods.
const (
	MethodPassword        Method = "password"
	MethodCode            Method = "code" // that was sent by e-mail or SMS
	MethodQRCode          Method = "qrcode"
	MethodFastpass        Method = "fastpass"
	MethodMiniProgram     Method = "wechat_miniprogram"
	MethodOfficialAccount Method = "wechat_official_account"
)

// Attempt is somebody who has proved the first factor and wants a session.
type Attempt struct {
	ID                        string // of this attempt; Screen makes it
	UserpoolID, AppID, UserID string
	Username, DisplayName     string // Username is empty for none
	Method                    Method
	IP, UserAgent             string          // of who is going to use the session; Screen fills in the caller's
	Context                   json.RawMessage // as the client sent it, for hooks only; it may tell of a person, and is not for logs
}

// Opened is the session that an attempt has led to.
type Opened struct {
	SessionID string
	AMR       []string // RFC 8176
	At        time.Time
}

// Screened is an attempt that the hooks let pass. Without one there is no session: only Screen makes one, and Resume of what
// Screen made before.
type Screened struct{ attempt *Attempt }

// Screen asks the hooks about an attempt. An error is their refusal. They may take seconds: there must be no transaction.
func Screen(ctx context.Context, a Attempt, before func(context.Context, Attempt) error) (Screened, error) {
	a.ID = secret.ID()
	if err := before(ctx, a); err != nil {
		return Screened{}, err
	}
	return Screened{&a}, nil
}

// Resume is for an attempt that was screened, and has waited for a code since.
func Resume(a Attempt) Screened { return Screened{&a} }

// Attempt returns what the hooks let pass; a zero one without.
func (s Screened) Attempt() Attempt {
	if s.attempt == nil {
		return Attempt{}
	}
	return *s.attempt
}

// For returns what the hooks let pass, provided that the grant is for that and nothing else.
func (s Screened) For(g Grant) (Attempt, bool) {
	a := s.Attempt()
	return a, a.UserpoolID == g.UserpoolID && a.AppID == g.AppID && a.UserID == g.UserID && a.UserID != ""
}

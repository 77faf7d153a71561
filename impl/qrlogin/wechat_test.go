package qrlogin

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

var (
	carol = wechatid.Person{AppID: "wx1", OpenID: "carol"}
	dave  = wechatid.Person{AppID: "wx1", OpenID: "dave"}
)

// connect gives the application a connection of each WeChat type.
func (r *rig) connect() {
	r.t.Helper()
	for id, qrType := range map[string]string{"mini": db.QRWechatMiniprogram, "oa": db.QRWechatOfficialAccount} {
		c := db.Connection{
			UserpoolID: "pool", ID: id, AppID: "app", Type: qrType, WechatAppID: "wx1", LogoURL: "https://example.com/logo.png",
			EnvVersion: "release", Lang: "en", CreateUsers: id == "mini", CreatedAt: r.clock.now,
		}
		r.codes.known[qrType] = c
		r.must(r.store.Connections().Insert(r.t.Context(), c))
	}
}

// at makes a QR code of a WeChat type; its scene is the scan id.
func (r *rig) at(qrType string) (scene, pollID string) {
	r.t.Helper()
	created, err := r.Create(r.t.Context(), r.app, Asked{Type: qrType, Context: []byte(`{"source": "utm"}`)})
	r.must(err)
	address, err := url.Parse(created.URL)
	r.must(err)
	return address.Query().Get("id"), created.PollID
}

// TestWechatPicture (Q10): the scene is the public id, of 32 characters, which WeChat allows; the picture is what WeChat gave,
// and gone when our own life of the code is over, whatever WeChat thinks of it.
func TestWechatPicture(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.Create(t.Context(), r.app, Asked{Type: db.QRWechatMiniprogram})
	r.want("without a connection", err, errConnection)
	r.connect()
	_, err = r.Create(t.Context(), r.app, Asked{Type: db.QRWechatMiniprogram, ConnectionID: "other"})
	r.want("with an unknown one", err, errConnection)

	scene, _ := r.at(db.QRWechatMiniprogram)
	if len(scene) != 32 || r.codes.asked[0] != "mini "+scene+" 2m0s false" {
		t.Errorf("WeChat was asked for %q", r.codes.asked)
	}
	raw, _, err := r.Picture(t.Context(), scene)
	r.must(err)
	if string(raw) != "PNG" {
		t.Errorf("the picture is %q", raw)
	}
	r.advance(2 * time.Minute)
	_, _, err = r.Picture(t.Context(), scene)
	r.want("after the end", err, ErrGone)
	_, err = r.WechatScan(t.Context(), "mini", scene, carol)
	r.want("scanned after the end", err, ErrExpired)

	for merge, logo := range map[bool]string{false: "https://example.com/logo.png", true: ""} {
		created, err := r.Create(t.Context(), r.app, Asked{Type: db.QRWechatMiniprogram, MergeLogo: merge})
		r.must(err)
		if created.Logo != logo {
			t.Errorf("merged %t: the page is to lay %q over the picture", merge, created.Logo)
		}
	}
	r.codes.fail = errors.New("WeChat is away")
	before := len(r.codes.asked)
	_, err = r.Create(t.Context(), r.app, Asked{Type: db.QRWechatOfficialAccount})
	r.want("while WeChat is away", err, r.codes.fail)
	if len(r.codes.asked) != before+1 {
		t.Errorf("WeChat was asked %d times", len(r.codes.asked)-before)
	}
}

// TestWechatLogin (Q3, Q4, Q8): who scans is pinned, confirms, and is the user whom the connection knows; the context reaches the
// hooks with the ticket.
func TestWechatLogin(t *testing.T) {
	t.Parallel()
	for qrType, want := range map[string]struct {
		connection, looked string
		method             authn.Method
	}{
		db.QRWechatMiniprogram:     {"mini", "mini carol true", authn.MethodMiniProgram},
		db.QRWechatOfficialAccount: {"oa", "oa carol false", authn.MethodOfficialAccount},
	} {
		t.Run(qrType, func(t *testing.T) {
			t.Parallel()
			r, ctx := newRig(t), t.Context()
			r.connect()
			scene, pollID := r.at(qrType)
			r.want("confirm before the scan", r.WechatConfirm(ctx, want.connection, scene, carol, 0), ErrState)
			shown, err := r.WechatScan(ctx, want.connection, scene, carol)
			r.must(err)
			if shown.AppID != "app" || shown.AppName != "Bank" || shown.Numbers != nil {
				t.Errorf("carol sees %+v", shown)
			}
			if s := r.status(pollID); s.State != db.QRScanned || s.User != nil {
				t.Errorf("the page sees %+v", s)
			}
			for what, err := range map[string]error{
				"confirmed by dave":              r.WechatConfirm(ctx, want.connection, scene, dave, 0),
				"cancelled by dave":              r.WechatCancel(ctx, want.connection, scene, dave),
				"confirmed by a phone":           r.Confirm(ctx, r.phone, scene),
				"scanned by a phone":             r.Scan(ctx, r.phone, scene),
				"confirmed by way of another":    r.WechatConfirm(ctx, "another", scene, carol, 0),
				"confirmed by the page's secret": r.WechatConfirm(ctx, want.connection, pollID, carol, 0),
			} {
				if !errors.Is(err, ErrState) && !errors.Is(err, ErrUnknown) {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err = r.WechatScan(ctx, want.connection, scene, dave)
			r.want("scanned by dave", err, ErrState)
			for range 2 { // WeChat tells of an event until it is answered
				_, err = r.WechatScan(ctx, want.connection, scene, carol)
				r.want("scanned again", err, nil)
				r.want("confirm", r.WechatConfirm(ctx, want.connection, scene, carol, 0), nil)
			}
			if !slices.Equal(r.accounts.looked[len(r.accounts.looked)-1:], []string{want.looked}) {
				t.Errorf("looked for %q, want %q", r.accounts.looked, want.looked)
			}
			ticket := r.status(pollID).Ticket
			tokens, err := r.exchange(ticket)
			r.must(err)
			e := r.accounts.entered[0]
			if e.UserID != "alice" || e.AppID != "app" || e.Method != want.method || e.AMR != "wechat" || string(e.Context) != `{"source": "utm"}` {
				t.Errorf("entered %+v %s", e, e.Context)
			}
			_, err = r.exchange(ticket)
			r.want("the ticket again", err, ErrTicket)
			if r.lives(tokens.SessionID) {
				t.Error("the session of a ticket that was used twice lives")
			}
		})
	}
}

// TestWechatNumber (Q5): number matching works at WeChat too; a wrong number ends the login and makes no user.
func TestWechatNumber(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	r.connect()
	_, err := r.raw.Exec(`UPDATE applications SET number_matching = true`)
	r.must(err)
	scene, pollID := r.at(db.QRWechatOfficialAccount)
	shown, err := r.WechatScan(ctx, "oa", scene, carol)
	r.must(err)
	right := r.status(pollID).Number
	if !slices.Contains(shown.Numbers, right) {
		t.Fatalf("carol sees %v, the page %d", shown.Numbers, right)
	}
	r.want("without a number", r.WechatConfirm(ctx, "oa", scene, carol, 0), ErrNoNumber)
	r.want("with the right one", r.WechatConfirm(ctx, "oa", scene, carol, right), nil)

	scene, pollID = r.at(db.QRWechatOfficialAccount)
	_, err = r.WechatScan(ctx, "oa", scene, dave)
	r.must(err)
	looked := len(r.accounts.looked)
	r.want("with a wrong one", r.WechatConfirm(ctx, "oa", scene, dave, 109-r.status(pollID).Number), ErrNumber)
	if s := r.status(pollID); s.State != db.QRCancelled || len(r.accounts.looked) != looked {
		t.Errorf("after a wrong number: %+v, looked for %q", s, r.accounts.looked[looked:])
	}
}

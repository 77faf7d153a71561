package harness

import (
	"context"
	"io"
	"net/http"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/impl/wechat"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// Wechat lets an instance talk to a double of WeChat:
//
//	double := wechattest.New(t)
//	h := harness.New(t, harness.Wechat(double))
func Wechat(double *wechattest.Server) func(*app.Config) {
	return func(c *app.Config) { c.WechatAPI = double.URL }
}

// Official connects the default application to the double's official account, as an operator does, and returns the
// connection and the account as WeChat's servers have it.
func (h *Instance) Official(encrypted bool, set wechat.Change) (db.Connection, *wechattest.Account) {
	h.t.Helper()
	set.WechatAppID, set.AppSecret, set.PushToken = pointerTo(wechattest.OfficialID), pointerTo(wechattest.OfficialSecret), pointerTo(wechattest.PushToken)
	if encrypted {
		set.AESKey = pointerTo(wechattest.AESKey)
	}
	c := h.connect(db.WechatOfficialAccount, set)
	return c, wechattest.NewAccount(h.t, h.URL+"/api/v3/wechat-push?connection="+c.ID, encrypted)
}

// MiniProgram connects the default application to the double's mini program.
func (h *Instance) MiniProgram(set wechat.Change) db.Connection {
	h.t.Helper()
	set.WechatAppID, set.AppSecret = pointerTo(wechattest.MiniID), pointerTo(wechattest.MiniSecret)
	return h.connect(db.WechatMiniprogram, set)
}

func (h *Instance) connect(kind string, set wechat.Change) db.Connection {
	h.t.Helper()
	all, err := h.app.Connections()
	h.must(err)
	c, err := all.Create(context.Background(), db.Application{UserpoolID: h.Credentials.UserpoolID, ID: h.Credentials.AppID}, kind, set)
	h.must(err)
	return c
}

// Push makes a request of WeChat's servers, and returns HTTP status and body of the answer.
func (h *Instance) Push(r *http.Request) (int, []byte) {
	h.t.Helper()
	response, err := httpClient.Do(r)
	h.must(err)
	body, err := io.ReadAll(response.Body)
	h.must(err)
	h.check(response.Body.Close())
	return response.StatusCode, body
}

func pointerTo[T any](v T) *T { return &v }

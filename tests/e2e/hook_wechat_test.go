package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/wechat"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestHookOfAMiniProgram: who signs in at WeChat passes the hooks like everybody else, when the page's backend exchanges the
// ticket, and what the page sent with the QR code arrives byte for byte. A refused ticket is not used up.
func TestHookOfAMiniProgram(t *testing.T) {
	t.Parallel()
	double := wechattest.New(t)
	h := harness.New(t, harness.Wechat(double))
	h.MiniProgram(wechat.Change{})
	pre, post := h.Hook(db.HookPre), h.Hook(db.HookPost)
	body := `{"type":"WECHAT_MINIPROGRAM","context":` + oddContext + `}`
	r := h.Send(http.MethodPost, "/api/v3/gene-qrcode", http.Header{"Content-Type": {"application/json"}}, body)
	var made struct{ Data gen.GeneQRCodeDataDto }
	if err := json.Unmarshal(r.Body, &made); err != nil || made.Data.URL == "" {
		t.Fatalf("QR code: %s", r.Body)
	}
	address := must(url.Parse(made.Data.URL))(t)
	picture := must(h.Client.GetQRCodePictureWithResponse(t.Context(), &gen.GetQRCodePictureParams{ID: address.Query().Get("id")}))(t)
	scene := h.ReadQR(h.Picture(picture.Body))
	for _, action := range []gen.SetWechatMiniprogramQRCodeStatusDtoAction{
		gen.SetWechatMiniprogramQRCodeStatusDtoActionSCAN, gen.SetWechatMiniprogramQRCodeStatusDtoActionCONFIRM,
	} {
		wantSuccess(t, string(action), must(h.Client.SetWechatMiniprogramQRCodeStatusWithResponse(t.Context(), nil, gen.SetWechatMiniprogramQRCodeStatusDto{
			Scene: scene, Code: double.Login("carol", "union-of-carol"), Action: action,
		}))(t))
	}
	status := must(h.Client.GetQRCodeStatusWithResponse(t.Context(), &gen.GetQRCodeStatusParams{QrcodeID: made.Data.QrcodeID}))(t)
	if status.JSON200 == nil || status.JSON200.Data == nil || status.JSON200.Data.Ticket == nil {
		t.Fatalf("no ticket: %s", status.Body)
	}
	ticket := *status.JSON200.Data.Ticket
	if n := len(pre.Events()); n != 0 {
		t.Errorf("asked %d times before anybody wants a session", n)
	}
	pre.Answer(200, denial)
	wantStatus(t, "refused", h.Exchange(ticket), 403, 1699)
	pre.Answer(200, "")
	set := tokens(t, h.Exchange(ticket))
	event := told(t, h, post, 1)[0]
	for _, e := range append(pre.Events(), event) {
		if e.Data.Method != "wechat_miniprogram" || string(e.Data.Context) != oddContext || e.Data.User.ID == "" || e.Data.User.ID != event.Data.User.ID {
			t.Errorf("%s", e.Body)
		}
	}
	if len(pre.Events()) != 2 || event.Data.SessionID != sessionOf(t, *set.AccessToken) {
		t.Errorf("asked %d times, told of %+v", len(pre.Events()), event.Data)
	}
}

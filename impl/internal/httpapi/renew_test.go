package httpapi

import (
	"errors"
	"net/http"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// TestRenewedTokensAlwaysReachTheClient: a refresh token is spent as soon as the gate has looked at it. Whatever comes of
// the request after that, the client needs the new pair: without it the session is lost, and trying the spent token again
// ends it for good.
func TestRenewedTokensAlwaysReachTheClient(t *testing.T) {
	t.Parallel()
	good := gen.GetMFAQRCode200JSONResponse{Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{
		Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Qrcode: "data:image/png;base64,AAAA",
	}}}
	bind := ask{http.MethodPost, "/auth/mfa/bind", `{"code":"not a code"}`}
	for name, c := range map[string]struct {
		ask    ask
		server fake
		status int
	}{
		"success":                     {askBase, fake{base: func() (gen.GetMFAQRCodeResponseObject, error) { return good, nil }}, 200},
		"refused by the operation":    {askBase, failing(func() error { return &apierr.Error{Kind: apierr.Conflict, Code: "test.bound"} }), 200},
		"failed":                      {askBase, failing(func() error { return errors.New("disk on fire") }), 500},
		"broken request":              {bind, fake{}, 400},
		"panic":                       {askBase, failing(func() error { panic("disk on fire") }), 500},
		"answer that breaks contract": {askBase, fake{base: func() (gen.GetMFAQRCodeResponseObject, error) { return gen.GetMFAQRCode200JSONResponse{}, nil }}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := guarded(t, c.server)
			w := answer(h, c.ask.request("Access-Token", "expired", "Refresh-Token", "renew"))
			if w.Code != c.status {
				t.Errorf("HTTP %d %s", w.Code, w.Body)
			}
			if access, refresh := w.Header().Get("Access-Token"), w.Header().Get("Refresh-Token"); access != "access-2" || refresh != "refresh-2" {
				t.Errorf("HTTP %d with the pair %q, %q", w.Code, access, refresh)
			}
		})
	}
}

// TestNothingIsRenewedInVain: a good access token is enough, and a refresh token beside it stays as it is.
func TestNothingIsRenewedInVain(t *testing.T) {
	t.Parallel()
	h, _ := guarded(t, failing(func() error { return &apierr.Error{Kind: apierr.Conflict, Code: "test.bound"} }))
	w := answer(h, askBase.request("Refresh-Token", "renew"))
	if got := w.Header().Get("Refresh-Token"); w.Code != http.StatusOK || got != "" {
		t.Errorf("HTTP %d, Refresh-Token %q", w.Code, got)
	}
}

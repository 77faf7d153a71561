package httpapi

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
)

// BenchmarkGate is what an operation costs beyond its handler: route, authenticate, validate request and answer, fill the
// envelope, log and count. bare is net/http's part of the same, with a handler that writes the answer.
func BenchmarkGate(b *testing.B) {
	picture := "data:image/png;base64," + strings.Repeat("iVBORw0KGgoA", 375)
	h, _ := guarded(b, fake{
		code: func() (gen.CreateCaptchaResponseObject, error) {
			return gen.CreateCaptcha200JSONResponse{Data: &gen.Captcha{CodeID: "Y1goJMD3qvs6jZ63QUXN", Expire: 180}}, nil
		},
		base: func() (gen.GetMFAQRCodeResponseObject, error) {
			return gen.GetMFAQRCode200JSONResponse{Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{
				Qrcode: picture, Secret: strings.Repeat("A", 32),
			}}}, nil
		},
	}, func(o *Options) { o.Log = slog.New(slog.DiscardHandler) })
	for name, bench := range map[string]struct {
		ask  ask
		want string
	}{
		"small":   {askCode, `"code":0`},
		"picture": {askBase, `"code":10000`},
	} {
		if w := answer(h, bench.ask.request()); !strings.Contains(w.Body.String(), bench.want) {
			b.Fatalf("%s: %.300s", name, w.Body)
		}
		run := func(h http.Handler) func(*testing.B) {
			return func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					h.ServeHTTP(&sink{header: http.Header{}}, bench.ask.request())
				}
			}
		}
		b.Run(name, run(h))
		b.Run(name+"/bare", run(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"code":0}`)) })))
	}
}

// sink is a client that looks at nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

package wechat

import (
	"net/http"
	"testing"

	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// TestSignatureIsGoodForItsMessageOnly (Q10): the signature of plain messages does not cover them. Who has read the query of a
// handshake, or of a message that had no effect, in the log of a proxy cannot send a scan of somebody else's with it.
func TestSignatureIsGoodForItsMessageOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	a, now := r.account(false), r.clock.Now()
	r.logins.open("of-the-attacker")
	forged := wechattest.Scan("victim", "of-the-attacker", now)

	if status, text := r.pushed(a, a.Push(now, "seen", a.Text("bob", "hello", now))); status != http.StatusOK {
		t.Fatalf("a greeting: HTTP %d %s", status, text)
	}
	if status, text := r.pushed(a, a.Push(now, "seen", forged)); status != http.StatusForbidden {
		t.Errorf("a scan with the signature of a greeting: HTTP %d %s", status, text)
	}
	if status, text := r.pushed(a, a.Push(now, "broken", "<xml><Content>\x08</Content></xml>")); status == http.StatusOK {
		t.Fatalf("a message with a control character: HTTP %d %s", status, text)
	}
	if status, text := r.pushed(a, a.Push(now, "broken", forged)); status != http.StatusForbidden {
		t.Errorf("a scan with the signature of a message that was refused: HTTP %d %s", status, text)
	}
	handshake := a.Handshake(now, "echo")
	if w := r.do(handshake); w.Code != http.StatusOK {
		t.Fatalf("handshake: HTTP %d", w.Code)
	}
	if status, text := r.pushed(a, a.Push(now, handshake.URL.Query().Get("nonce"), forged)); status != http.StatusForbidden {
		t.Errorf("a scan with the signature of the handshake: HTTP %d %s", status, text)
	}
	if heard := r.logins.heard(); len(heard) != 0 {
		t.Errorf("the victim has done %v", heard)
	}
}

package qrlogin

import (
	"bytes"
	"encoding/json"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// TestThreeSecrets (Q1): scan id, poll id and ticket are of 192 bits each and good for their own purpose only; but the
// phone may send the poll id where it should send the scan id, as some clients do.
func TestThreeSecrets(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	scanID, pollID, ticket := r.authorized()
	all := []string{scanID, pollID, ticket}
	for i, id := range all {
		if len(id) != 32 || slices.Contains(all[:i], id) { // 24 bytes in base64
			t.Errorf("secrets %q", all)
		}
	}
	for _, id := range []string{scanID, ticket, "", "none"} {
		_, err := r.Status(ctx, id)
		r.want("the status of "+id, err, ErrUnknown)
	}
	for _, id := range []string{pollID, ticket, "none"} {
		_, _, err := r.Picture(ctx, id)
		r.want("the picture of "+id, err, ErrGone)
	}
	for _, id := range []string{scanID, pollID, "none"} {
		_, err := r.exchange(id)
		r.want("tokens for "+id, err, ErrTicket)
	}
	r.want("scan a ticket", r.Scan(ctx, r.phone, ticket), ErrUnknown)
	_, err := r.exchange(ticket)
	r.want("tokens for the ticket, after all that", err, nil)

	_, byPoll := r.create()
	r.want("scan by poll id", r.Scan(ctx, r.phone, byPoll), nil)
	r.want("confirm by poll id", r.Confirm(ctx, r.phone, byPoll), nil)
}

// TestStoredHashed (Q1): a dump of the database lets nobody scan, poll or exchange.
func TestStoredHashed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	scanID, pollID, ticket := r.authorized()
	l, err := r.store.QRLogins().ByPollHash(t.Context(), r.pollHash(pollID))
	r.must(err)
	text, err := json.Marshal(l)
	r.must(err)
	for _, id := range []string{scanID, pollID, ticket} {
		if bytes.Contains(text, []byte(id)) || bytes.Contains(bytes.Join([][]byte{l.ScanHash, l.PollHash, l.TicketHash}, nil), []byte(id)) {
			t.Errorf("%s is in its row: %s", id, text)
		}
	}
	for _, hash := range [][]byte{r.scanHash(scanID), r.pollHash(pollID), r.ticketHash(ticket)} {
		if len(hash) != 32 {
			t.Errorf("a hash of %d bytes", len(hash))
		}
	}
}

// TestPicture (Q1, Q5): it says what the documents' apps read, with the scan id and nothing secret; it is gone with the
// end of the QR code, or when the phone has decided.
func TestPicture(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	scanID, pollID := r.create()
	r.advance(30 * time.Second)
	raw, life, err := r.Picture(ctx, scanID)
	r.must(err)
	m, err := png.Decode(bytes.NewReader(raw))
	r.must(err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	r.must(err)
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	r.must(err)
	want := `{"scene":"APP_AUTH","random":"` + scanID + `","qrcodeId":"` + scanID + `","userPoolId":"pool",` +
		`"createdAt":"2026-05-04T12:00:00.000Z","expiresIn":120,"customData":{}}`
	if read.GetText() != want || life != 90*time.Second {
		t.Errorf("for %v: %s\nwant %s", life, read.GetText(), want)
	}
	if strings.Contains(read.GetText(), pollID) {
		t.Error("the poll id is in the picture")
	}
	r.must(r.Scan(ctx, r.phone, scanID))
	_, _, err = r.Picture(ctx, scanID)
	r.want("scanned", err, nil)
	r.must(r.Cancel(ctx, r.phone, scanID))
	_, _, err = r.Picture(ctx, scanID)
	r.want("cancelled", err, ErrGone)

	scanID, _ = r.create()
	r.advance(120*time.Second - time.Microsecond)
	_, _, err = r.Picture(ctx, scanID)
	r.want("at the last moment", err, nil)
	r.advance(time.Microsecond)
	_, _, err = r.Picture(ctx, scanID)
	r.want("expired", err, ErrGone)
}

// TestState (Q2): EXPIRED follows from the clock, of the QR code before the decision and of the ticket after it; what has
// ended otherwise stays what it is.
func TestState(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for stored, want := range map[string]map[time.Duration]string{
		db.QRPending:    {-1: "PENDING", 0: "EXPIRED", time.Hour: "EXPIRED"},
		db.QRScanned:    {-1: "SCANNED", 0: "EXPIRED", time.Hour: "EXPIRED"},
		db.QRCancelled:  {-1: "CANCELLED", 0: "CANCELLED", time.Hour: "CANCELLED"},
		db.QRAuthorized: {-1: "AUTHORIZED", 0: "AUTHORIZED", time.Minute - 1: "AUTHORIZED", time.Minute: "EXPIRED"},
	} {
		for after, state1 := range want {
			ticket := now.Add(time.Minute)
			l := db.QRLogin{State: stored, ExpiresAt: now, TicketExpiresAt: &ticket}
			if got := state(l, now.Add(after)); got != state1 {
				t.Errorf("%s, %v after its end: %s, want %s", stored, after, got, state1)
			}
			if l.ConsumedAt = &now; stored == db.QRAuthorized && state(l, now.Add(after)) != "AUTHORIZED" {
				t.Errorf("exchanged, %v after its end: %s", after, state(l, now.Add(after)))
			}
		}
	}
}

// TestStatusTellsLittle (Q6): before a scan nothing of a user, after it display name and photo; the ticket between
// confirmation and exchange, and to nobody before or after.
func TestStatusTellsLittle(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	scanID, pollID := r.create()
	check := func(state string, user, ticket bool) {
		t.Helper()
		s := r.status(pollID)
		if s.State != state || (s.User != nil) != user || (s.Ticket != "") != ticket {
			t.Errorf("%+v, want %s, a user: %v, a ticket: %v", s, state, user, ticket)
		}
		if s.User != nil && (s.User.DisplayName != "Alice" || s.User.Photo != "photo") {
			t.Errorf("user %+v", s.User)
		}
	}
	check("PENDING", false, false)
	r.must(r.Scan(ctx, r.phone, scanID))
	check("SCANNED", true, false)
	r.must(r.Confirm(ctx, r.phone, scanID))
	check("AUTHORIZED", true, true)
	ticket := r.status(pollID).Ticket
	if again := r.status(pollID).Ticket; again != ticket {
		t.Error("the ticket changes from poll to poll")
	}
	_, err := r.exchange(ticket)
	r.must(err)
	check("AUTHORIZED", true, false)

	_, pollID, _ = r.authorized()
	r.advance(time.Minute)
	check("EXPIRED", false, false)
	scanID, pollID = r.create()
	r.must(r.Scan(ctx, r.phone, scanID))
	r.must(r.Cancel(ctx, r.phone, scanID))
	check("CANCELLED", true, false)
}

// TestCreateIsBounded (Q8, Q9): so many QR codes for one address and application, and custom data and context within
// bounds; what is refused is not stored.
func TestCreateIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.PerIP = limit.Rule{Name: "qr.ip", Max: 2, Per: time.Minute}
	other, large := r.app, `{"k": "larger than it may be"}`
	other.ID = "other"
	for i, try := range []struct {
		ip   string
		app  db.Application
		data string
		want error
	}{
		{"192.0.2.1", r.app, "", nil},
		{"192.0.2.1", r.app, large, errTooLarge}, // which costs nothing
		{"192.0.2.1", r.app, "", nil},
		{"192.0.2.1", r.app, "", apierr.ErrRateLimited},
		{"192.0.2.1", other, "", nil},
		{"192.0.2.2", r.app, "", nil},
		{"2001:db8::1", r.app, "", nil},
		{"2001:db8::2", r.app, "", nil},
		{"2001:db8::3", r.app, "", apierr.ErrRateLimited},
	} {
		created, err := r.Create(reqinfo.With(t.Context(), &reqinfo.Info{IP: try.ip}), try.app, Asked{Type: db.QRMobileApp, CustomData: json.RawMessage(try.data)})
		r.want(try.ip, err, try.want)
		if _, stored := r.Status(t.Context(), created.PollID); (stored == nil) != (try.want == nil) {
			t.Errorf("try %d: %+v, stored: %v", i, created, stored)
		}
	}
	ctx := reqinfo.With(t.Context(), &reqinfo.Info{IP: "192.0.2.3"})
	pipeline := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`) }
	_, err := r.Create(ctx, r.app, Asked{Type: db.QRMobileApp, Context: pipeline(4096)})
	r.want("a context of 4 KiB", err, nil)
	_, err = r.Create(ctx, r.app, Asked{Type: db.QRMobileApp, Context: pipeline(4097)})
	r.want("a larger one", err, ErrContext)
}

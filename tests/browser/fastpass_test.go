package browser

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestFastpass: the desk shows a picture, the phone takes a photograph and is signed in without a password; the desk sees it come,
// finds it among the sessions, and sends it away again.
func TestFastpass(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	desk.click("button", "Show a fastpass")
	phone := visit(t, h, handset, "phone")
	phone.upload(desk.photo("image", "Fastpass: QR code that signs a phone in"))
	phone.see("This fastpass signs you in as alice.")
	desk.see("Scanned. The phone chooses where to sign in.")
	phone.click("button", "Sign in to Menshen")
	phone.see("This phone is signed in.")
	desk.see("Your phone is signed in.")
	desk.until("two sessions", func() bool {
		return ask[int](desk, `document.querySelectorAll('[aria-label^="End the session on"]').length`) == 1
	})
	desk.click("button", ask[string](desk, `document.querySelector('[aria-label^="End the session on"]').ariaLabel`))
	desk.until("one session", func() bool {
		return ask[int](desk, `document.querySelectorAll('[aria-label^="End the session on"]').length`) == 0
	})
	phone.click("button", "Sign out")
	phone.see("Your session has ended. Sign in again.")
}

// TestFastpassWorksOnce: a second phone that photographed the same picture is turned away, in words.
func TestFastpassWorksOnce(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	desk.click("button", "Show a fastpass")
	picture := desk.photo("image", "Fastpass: QR code that signs a phone in")
	phone := desk.follow("No phone at hand? Play it in a new tab")
	phone.click("button", "Sign in to Menshen Console")
	phone.see("This phone is signed in.")
	late := visit(t, h, handset, "phone")
	late.upload(picture)
	late.see("The fastpass is unknown, used or expired.")
}

// TestFastpassSaysWhose (Q7): whose fastpass it is says the service, not the picture, into which anybody can write any name; and whoever
// is signed in on the phone is told that this ends, and it does.
func TestFastpassSaysWhose(t *testing.T) {
	t.Parallel()
	h, _, phone := deskAndPhone(t)
	mallory := h.SignUp("mallory")
	phone.see("This phone is signed in as alice.")
	pass := mallory.Fastpass(nil)
	phone.paste(fmt.Sprintf(`{"scene":"FASTPASS","qrcodeId":%q,"appId":%q,"user":{"displayName":"alice"}}`, pass.QrcodeID, pass.AppID))
	phone.see("This fastpass signs you in as mallory.", "Who is signed in on this phone now is signed out by it.")
	phone.click("button", "Sign in to Menshen")
	phone.see("This phone is signed in as mallory.")
	if n := h.Count(`SELECT count(*) FROM sessions WHERE app_id = 'menshen-console' AND revoked_at IS NULL`); n != 0 {
		t.Errorf("%d sessions of before go on without anybody", n)
	}
}

// TestWhatIsNoCode: a picture without a code, a code of somebody else's, a file that is no picture, and any text are each told apart,
// and the phone goes on.
func TestWhatIsNoCode(t *testing.T) {
	t.Parallel()
	h := serve(t)
	phone := visit(t, h, handset, "phone")
	var blank bytes.Buffer
	if err := png.Encode(&blank, image.NewGray(image.Rect(0, 0, 200, 200))); err != nil {
		t.Fatal(err)
	}
	phone.upload(blank.Bytes())
	phone.see("There is no QR code in this picture.")
	phone.upload([]byte("no picture"))
	phone.see("This file is no picture.")
	phone.paste("https://example.com/")
	phone.see("This QR code is not one of ours.")
	phone.paste(`{"scene":"FASTPASS","qrcodeId":"<img src=x onerror=alert(1)>","appId":"a"}`)
	phone.see("This QR code is not one of ours.")
	phone.paste(`{"scene":"FASTPASS","qrcodeId":"0yVt3GbbC0mXQe7pTqg3gNw8aXq4ZJ1c","appId":"unknown"}`)
	phone.see("The fastpass is unknown, used or expired.")
}

// TestCamera: the phone reads the picture through its camera, which goes off when that is done.
func TestCamera(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	desk.click("button", "Show a fastpass")
	film := filmOf(t, desk.photo("image", "Fastpass: QR code that signs a phone in"))
	browser, stop, err := launch(
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	phone := visitIn(t, h, browser, handset, "phone")
	phone.click("button", "Open the camera")
	phone.see("This fastpass signs you in as alice.")
	if ask[bool](phone, `!!document.querySelector('video')`) {
		t.Error("the camera is still on")
	}
}

// filmOf is a film in which nothing happens but a picture, as a camera at some distance would take it.
func filmOf(t *testing.T, picture []byte) string {
	t.Helper()
	code, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	scene := image.NewRGBA(image.Rect(0, 0, 1280, 960))
	draw.Draw(scene, scene.Bounds(), image.NewUniform(color.Gray{Y: 160}), image.Point{}, draw.Src)
	draw.Draw(scene, code.Bounds().Add(image.Pt(300, 150)), code, code.Bounds().Min, draw.Src)
	var frame bytes.Buffer
	if err := jpeg.Encode(&frame, scene, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "film.mjpeg")
	if err := os.WriteFile(name, frame.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

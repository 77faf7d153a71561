package browser

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/menshen-auth/menshen/tests/harness"
)

// pause is between two looks at a page.
const pause = 50 * time.Millisecond

// until waits for something to be so. Asking may fail: the page may be on its way to another.
func (p *page) until(what string, so func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(pause) {
		if time.Now().After(end) {
			p.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// node is what has a role and a name in the accessibility tree, and can be used.
func (p *page) node(role, name string) (id cdp.BackendNodeID) {
	p.t.Helper()
	p.until("a "+role+" named "+name, func() bool {
		found := p.query(role, name)
		if len(found) > 0 {
			id = found[0].BackendDOMNodeID
		}
		return len(found) > 0
	})
	return id
}

// query finds what has a role and a name. What is hidden, inert or disabled is not found.
func (p *page) query(role, name string) (found []*accessibility.Node) {
	document, err := chromedp.Call(p.brief(), dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return nil
	}
	answer, err := chromedp.Call(p.brief(), accessibility.QueryAXTree, accessibility.QueryAXTreeParams{NodeID: document.Root.NodeID, Role: role, AccessibleName: name})
	if err != nil {
		return nil
	}
	for _, n := range answer.Nodes {
		if !n.Ignored && !disabled(n) {
			found = append(found, n)
		}
	}
	return found
}

func disabled(n *accessibility.Node) bool {
	for _, property := range n.Properties {
		if property.Name == accessibility.PropertyNameDisabled && string(property.Value.Value) == "true" {
			return true
		}
	}
	return false
}

// click presses a button, link, tab or whatever has the role and the name, with the mouse.
func (p *page) click(role, name string) { p.t.Helper(); p.clicks(1, role, name) }

// clicks presses it several times in a row, as an impatient person does. What is found may be redrawn before it is pressed.
func (p *page) clicks(n int64, role, name string) {
	p.t.Helper()
	p.until("a "+role+" to press named "+name, func() bool {
		x, y, err := p.place(p.node(role, name))
		for i := int64(1); i <= n && err == nil; i++ {
			press := input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMousePressed, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: i}
			if _, err = chromedp.Call(p.brief(), input.DispatchMouseEvent, press); err == nil {
				press.Type = input.DispatchMouseEventTypeMouseReleased
				_, err = chromedp.Call(p.brief(), input.DispatchMouseEvent, press)
			}
		}
		return err == nil
	})
}

// place is where the middle of something is, after the page was scrolled there.
func (p *page) place(id cdp.BackendNodeID) (x, y float64, err error) {
	if _, err := chromedp.Call(p.brief(), dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: id}); err != nil {
		return 0, 0, err
	}
	where, err := chromedp.Call(p.brief(), dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: id})
	if err != nil || len(where.Quads) == 0 {
		return 0, 0, errors.Join(err, errors.New("not to be seen"))
	}
	q := where.Quads[0]
	return (q[0] + q[4]) / 2, (q[1] + q[5]) / 2, nil
}

// fill types into a field, in the place of what is there.
func (p *page) fill(label, text string) {
	p.t.Helper()
	p.focus("textbox", label)
	p.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`))
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

func (p *page) focus(role, name string) {
	p.t.Helper()
	p.until("a "+role+" to focus named "+name, func() bool {
		_, err := chromedp.Call(p.brief(), dom.Focus, dom.FocusParams{BackendNodeID: p.node(role, name)})
		return err == nil
	})
}

// front brings a tab to the front, where only one of a window can be.
func (p *page) front() { p.t.Helper(); call(p, cdppage.BringToFront, cdp.Empty{}) }

// press presses a key.
func (p *page) press(key string) { p.t.Helper(); p.do(chromedp.KeyEvent(key)) }

// text is what a person can read on the page.
func (p *page) text() string { p.t.Helper(); return ask[string](p, `document.body.innerText`) }

// see waits until the page says something.
func (p *page) see(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.until("the words "+text, func() bool {
			said, err := chromedp.Run(p.brief(), chromedp.Evaluate[string](`document.body?.innerText ?? ''`))
			return err == nil && strings.Contains(said, text)
		})
	}
}

// at waits until the tab is at a page.
func (p *page) at(path string) {
	p.t.Helper()
	p.until("the page "+path, func() bool {
		here, err := chromedp.Run(p.brief(), chromedp.Evaluate[string](`location.pathname`))
		return err == nil && here == "/console/"+path
	})
}

// photo is a picture of something on the page, as a phone's camera would see it: enlarged.
func (p *page) photo(role, name string) []byte {
	p.t.Helper()
	id := p.node(role, name)
	p.until("all pictures", func() bool { return ask[bool](p, `[...document.images].every((i) => i.complete)`) })
	if _, _, err := p.place(id); err != nil {
		p.t.Fatal(err)
	}
	box := call(p, dom.GetBoxModel, dom.GetBoxModelParams{BackendNodeID: id}).Model
	scrolled := ask[[]float64](p, `[scrollX, scrollY]`)
	return call(p, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Clip: &cdppage.Viewport{
		X: box.Border[0] + scrolled[0], Y: box.Border[1] + scrolled[1], Width: float64(box.Width), Height: float64(box.Height), Scale: 2,
	}}).Data
}

// read is what a phone reads in a QR code on the page.
func (p *page) read(role, name string) string {
	p.t.Helper()
	m, err := png.Decode(bytes.NewReader(p.photo(role, name)))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.decode(m)
}

func (p *page) decode(m image.Image) string {
	p.t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		p.t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		p.t.Fatalf("no QR code in the picture: %v", err)
	}
	return result.GetText()
}

// upload gives a picture to the phone page.
func (p *page) upload(picture []byte) {
	p.t.Helper()
	name := filepath.Join(p.t.TempDir(), "picture.png")
	if err := os.WriteFile(name, picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.until("a place for pictures", func() bool { return ask[bool](p, `!!document.querySelector('#upload')`) })
	field := ask[*runtime.RemoteObject](p, `document.querySelector('#upload')`)
	call(p, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{name}, ObjectID: field.ObjectID})
}

// paste types what a QR code says.
func (p *page) paste(content string) {
	p.t.Helper()
	p.fill(p.word("pasteLabel"), content)
	p.click("button", p.word("use"))
}

// register makes an account on the page and comes to its own.
func (p *page) register(name string) {
	p.t.Helper()
	p.click("button", "Create an account")
	p.fill("User name", name)
	p.fill("Password", password)
	p.click("button", "Create and sign in")
	p.at("account")
	p.see("User name\n" + name)
}

const password = harness.Password

// signIn signs in with the password, on the desk or the phone.
func (p *page) signIn(name string) {
	p.t.Helper()
	p.fill("User name, e-mail address or phone number", name)
	p.fill("Password", password)
	p.click("button", "Sign in")
}

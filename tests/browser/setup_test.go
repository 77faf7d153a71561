package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// patience is how long something may take to appear on a page. It is long, since only a failure waits for it.
const patience = 30 * time.Second

// chromium is where the browser is, under the names that its packages give it.
func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no Chromium: run `make tools`")
}

// launch starts a browser of its own, with flags beyond those of all.
func launch(flags ...chromedp.ExecAllocatorOption) (context.Context, func(), error) {
	path, err := chromium()
	if err != nil {
		return nil, nil, err
	}
	options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Flag("lang", "en-US"), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 900),
	}, flags)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium refuses to make for root
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	browser, cancel := chromedp.NewContext(allocator)
	stop := func() { cancel(); end() }
	if err := chromedp.Do(browser); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return browser, stop, nil
}

// shared is the browser of all tests that need no flags of their own.
var shared struct {
	once    sync.Once
	browser context.Context
	stop    func()
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// serve starts a Menshen with its console.
func serve(t *testing.T, configure ...func(*app.Config)) *harness.Instance {
	t.Helper()
	return harness.New(t, append(configure, func(c *app.Config) { c.Console = "on" })...)
}

// page is a tab, of one person on one device.
type page struct {
	t   *testing.T
	h   *harness.Instance
	ctx context.Context

	mu       sync.Mutex
	problems []string // that no page may have
	calls    []string // method and path of every request
}

// device is what a person sits in front of.
type device struct {
	width, height int64
	language      string
	scheme        string // light or dark
}

var (
	desktop = device{1280, 900, "en", "light"}
	handset = device{390, 844, "en", "light"}
)

// visit opens a page of the console on a device of its own.
func visit(t *testing.T, h *harness.Instance, d device, path string) *page {
	t.Helper()
	shared.once.Do(func() { shared.browser, shared.stop, shared.err = launch() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return visitIn(t, h, shared.browser, d, path)
}

func visitIn(t *testing.T, h *harness.Instance, browser context.Context, d device, path string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := watch(t, h, ctx, cancel)
	agent := strings.Replace(ask[string](p, "navigator.userAgent"), "HeadlessChrome", "Chrome", 1)
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: d.width, Height: d.height, DeviceScaleFactor: 1, Mobile: d.width < 600})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: d.scheme}}})
	call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: d.language})
	p.open(path)
	return p
}

// watch keeps what goes wrong in a tab, and fails the test for it in the end.
func watch(t *testing.T, h *harness.Instance, ctx context.Context, end func()) *page {
	t.Helper()
	t.Cleanup(end) // after everything that looks at the tab
	p := &page{t: t, h: h, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // makes the tab, which lives as long as the context that this is done with
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.notice); err != nil {
		t.Fatal(err)
	}
	call(p, network.Enable, network.EnableParams{})
	call(p, log.Enable, cdp.Empty{})
	t.Cleanup(func() {
		if t.Failed() {
			p.keep()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, problem := range p.problems {
			t.Errorf("the page: %s", problem)
		}
	})
	return p
}

// notice looks at what happens in the tab. A refusal is no problem: the browser logs an HTTP status of 400 and more, which is how the
// console asks for refusals.
func (p *page) notice(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		switch {
		case err != nil, u.Scheme != "data" && u.Scheme != "blob" && "http://"+u.Host != p.h.URL:
			p.problems = append(p.problems, "calls "+e.Request.URL)
		case u.Scheme == "http":
			p.calls = append(p.calls, e.Request.Method+" "+u.Path)
		}
	case *runtime.EventExceptionThrown:
		what := e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			what += " " + thrown.Description
		}
		p.problems = append(p.problems, "a script failed: "+what)
	case *runtime.EventConsoleAPICalled:
		p.problems = append(p.problems, "says in its log: "+string(e.Type))
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			p.problems = append(p.problems, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	}
}

// keep writes what the page looked like when its test failed.
func (p *page) keep() {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	name := filepath.Join(screenshots, "failed-"+strings.ReplaceAll(p.t.Name(), "/", "-")+".png")
	if err == nil && os.MkdirAll(screenshots, 0o755) == nil && os.WriteFile(name, picture, 0o644) == nil {
		p.t.Logf("the page looked like %s and said:\n%s", name, text)
	}
}

// screenshots is where pictures of pages are kept.
var screenshots = filepath.Join("..", "..", "bin", "screenshots")

// brief is the tab for one action: a browser that does not answer fails the test. It ends by its time alone, which spares every caller
// to end it.
func (p *page) brief() context.Context {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// do does something in the tab.
func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.brief(), actions...); err != nil {
		p.t.Fatal(err)
	}
}

// ask asks the page for a value.
func ask[T any](p *page, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.brief(), chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

// call gives the browser an order.
func call[P, R any](p *page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	result, err := chromedp.Call(p.brief(), command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// open goes to a page of the console, or of the service if the path says so.
func (p *page) open(path string) {
	p.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/console/" + path
	}
	p.do(chromedp.Navigate(p.h.URL + path))
}

// called tells how often the tab has called an operation.
func (p *page) called(call string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		if c == call {
			n++
		}
	}
	return n
}

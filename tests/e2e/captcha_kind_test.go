package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/tests/harness"
)

// draw asks for an image captcha, and returns its id and its data URI.
func draw(t *testing.T, client *gen.ClientWithResponses, audio *bool, editors ...gen.RequestEditorFn) (id, uri string) {
	t.Helper()
	r := must(client.CreateCaptchaWithResponse(t.Context(), nil, gen.CaptchaRequest{
		Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin, Audio: audio,
	}, editors...))(t)
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.URL == nil || r.JSON200.Data.Expire != 180 {
		t.Fatalf("captcha: %s", r.Body)
	}
	return r.JSON200.Data.CodeID, *r.JSON200.Data.URL
}

// sound reads a data URI as what a browser plays: PCM in WAV of one channel. It returns how many seconds it lasts.
func sound(t *testing.T, uri string) (seconds float64, pcm []byte) {
	t.Helper()
	text, ok := strings.CutPrefix(uri, "data:audio/wav;base64,")
	if !ok {
		t.Fatalf("not a sound: %.40s", uri)
	}
	raw := must(base64.StdEncoding.DecodeString(text))(t)
	if len(raw) < 44 || string(raw[:4]) != "RIFF" || string(raw[8:16]) != "WAVEfmt " {
		t.Fatalf("not WAV: %q", raw[:min(len(raw), 44)])
	}
	var format struct {
		Size          uint32
		Tag, Channels uint16
		Rate, Bytes   uint32
	}
	if _, err := binary.Decode(raw[16:], binary.LittleEndian, &format); err != nil || format.Tag != 1 || format.Channels != 1 || format.Bytes == 0 {
		t.Fatalf("not PCM of one channel: %v %+v", err, format)
	}
	pcm = raw[44:]
	return float64(len(pcm)) / float64(format.Bytes), pcm
}

// TestAudioCaptcha: people who cannot see the picture ask for the same as sound, in the language of the request, and type
// what they hear.
func TestAudioCaptcha(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	spoken := map[string][]byte{}
	for _, language := range []string{"en", "zh"} {
		id, uri := draw(t, h.Client, ptr(true), in(language))
		answer := h.Digits.Last()
		seconds, pcm := sound(t, uri)
		if seconds < 2 || seconds > 30 {
			t.Errorf("%s: six digits in %.1f s", language, seconds)
		}
		if spoken[language] = pcm; bytes.Contains(pcm, []byte(answer)) {
			t.Errorf("%s: the sound has the answer as text", language)
		}
		wantSuccess(t, language, checkCaptcha(t, h, "alice", harness.Password, id, answer))
		wantCode(t, language+", once more", checkCaptcha(t, h, "alice", harness.Password, id, answer), 1000005)
	}
	if bytes.Equal(spoken["en"], spoken["zh"]) {
		t.Error("the voice is the same in both languages")
	}
	for what, audio := range map[string]*bool{"nothing": nil, "false": ptr(false)} {
		_, uri := draw(t, h.Client, audio)
		if size := h.DataURI(uri).Bounds().Size(); size.X != 240 || size.Y != 80 {
			t.Errorf("audio %s: a picture of %v", what, size)
		}
	}
	send := gen.CaptchaRequest{Type: byEmail, Use: gen.CaptchaUseRegister, Account: ptr(emailOfBob), Audio: ptr(true)}
	wantSuccess(t, "audio means nothing for an e-mail", create(t, h, send))
}

// foreseen makes the same puzzle over and over.
type foreseen struct{}

func (foreseen) Digits(n int) string { return "2718281828"[:n] }
func (foreseen) Pick(n int) int      { return n / 3 }

// withKind serves a Menshen on the database of h that is configured with the text of MENSHEN_CAPTCHA_KIND.
func withKind(t *testing.T, h *harness.Instance, text string) *gen.ClientWithResponses {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	config := must(app.LoadConfig([]string{"MENSHEN_PUBLIC_URL=http://" + server.Listener.Addr().String(), "MENSHEN_CAPTCHA_KIND=" + text}))(t)
	harness.NoLimits(&config)
	a := must(app.New(t.Context(), app.Options{
		Config: config, Store: h.Store, MasterKey: bytes.Repeat([]byte{7}, 32), Clock: h.Clock, Random: foreseen{}, Outbox: h.Outbox,
		Log: slog.New(slog.DiscardHandler),
	}))(t)
	server.Config.Handler = a.Handler
	server.Start()
	t.Cleanup(server.Close)
	return must(gen.NewClientWithResponses(server.URL))(t)
}

// TestKindOfCaptchaPerUserpool: every userpool shows the kind of captcha that it is configured to, and takes the answer to
// that: letters in either case, the result of a sum, Chinese characters, spoken digits.
func TestKindOfCaptchaPerUserpool(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	pool, _ := secondPool(t, h)
	for _, kind := range []puzzle.Kind{puzzle.Digits, puzzle.Letters, puzzle.Arithmetic, puzzle.Chinese, puzzle.Audio} {
		client := withKind(t, h, "digits,"+pool+"="+string(kind))
		solved := must(puzzle.Make(kind, foreseen{}))(t)
		check := func(id, answer string) *gen.CreateCaptchaResult {
			return must(client.CreateCaptchaWithResponse(t.Context(), nil, gen.CaptchaRequest{
				Type: byEmail, Use: gen.CaptchaUseLogin, Account: ptr(emailOfBob), CodeID: &id, Code: &answer,
			}, of(pool)))(t)
		}
		answers := []string{solved.Answer, " " + solved.Answer + "\n"}
		if kind == puzzle.Letters {
			answers = append(answers, strings.ToLower(solved.Answer), strings.ToUpper(solved.Answer))
		}
		for _, answer := range answers {
			id, uri := draw(t, client, nil, of(pool))
			if kind == puzzle.Audio {
				sound(t, uri)
			} else if size := h.DataURI(uri).Bounds().Size(); size.X != 240 || size.Y != 80 {
				t.Errorf("%s: a picture of %v", kind, size)
			}
			wantSuccess(t, string(kind)+": "+answer, check(id, answer))
		}
		id, _ := draw(t, client, nil, of(pool))
		wantCode(t, string(kind)+": a wrong answer", check(id, solved.Answer+"1"), 1000005)
		id, uri := draw(t, client, ptr(true), of(pool))
		sound(t, uri)
		wantSuccess(t, string(kind)+": spoken", check(id, foreseen{}.Digits(6)))

		_, uri = draw(t, client, nil)
		h.DataURI(uri) // other userpools have the kind of all
	}
}

// TestUserpoolsHaveTheirOwnTexts: an operator's file replaces one text of one userpool; all others stay what they were.
func TestUserpoolsHaveTheirOwnTexts(t *testing.T) {
	t.Parallel()
	m, s := harness.NewMailServer(t), harness.NewSMSReceiver(t)
	texts := t.TempDir()
	for file, text := range map[string]string{
		"second-userpool/en/email/code.txt": "Subject: Open sesame: {{.Code}}\n\n{{.Name}} says {{.Code}} for {{.Minutes}} minutes, & <no> more.\n",
		"second-userpool/zh/phone/code.txt": "【芝麻】{{.Code}}",
	} {
		file = filepath.Join(texts, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := harness.New(t, harness.NoLimits, m.Configure, s.Configure, func(c *app.Config) { c.TextsDir = texts })
	pool, _ := secondPool(t, h)
	mail := func(editors ...gen.RequestEditorFn) (harness.Mail, string) {
		h.AskForCode(byEmail, gen.CaptchaUseRegister, emailOfBob, editors...)
		return m.WaitFor(t, emailOfBob), h.Digits.Last()
	}
	sms := func(editors ...gen.RequestEditorFn) (string, string) {
		h.AskForCode(byPhone, gen.CaptchaUseRegister, phoneOfBob, editors...)
		return s.WaitFor(t, phoneOfBob).Text, h.Digits.Last()
	}
	own, code := mail(of(pool))
	if own.Subject != "Open sesame: "+code || own.Text != "Second says "+code+" for 5 minutes, & <no> more.\n" {
		t.Errorf("its own mail is %+v", own)
	}
	if text, code := sms(of(pool), in("zh")); text != "【芝麻】"+code+"\n" {
		t.Errorf("its own SMS is %q", text)
	}
	other, code := mail(of(pool), in("zh"))
	wantText(t, other.Subject, "Second：您的验证码是 "+code)
	text, code := sms(of(pool))
	wantText(t, text, "[Second] "+code+" is your verification code")
	other, code = mail()
	wantText(t, other.Subject, "Menshen: your code is "+code)
	text, code = sms(in("zh"))
	wantText(t, text, "【Menshen】您的验证码为 "+code)
}

package wechat

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

const aScene = "Zk3xHn1Yy8uQ2sB7rD5tVw9cLm4pGf_-"

// logo is a red picture.
func logo(width, height int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = []byte{255, 0, 0, 255}[i%4]
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// scan reads a QR code off a PNG.
func scan(t *testing.T, text []byte) (image.Image, string) {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatal(err)
	}
	return m, read.GetText()
}

func isRed(c color.Color) bool {
	r, g, b, _ := c.RGBA()
	return r>>8 > 200 && g>>8 < 80 && b>>8 < 80
}

// TestCodeOfMiniProgram (Q10): the scene, page and version reach WeChat; its picture comes back as a PNG that can be scanned,
// with the logo in its middle where that was asked for.
func TestCodeOfMiniProgram(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	code := func(merge bool) []byte {
		t.Helper()
		code, err := r.Code(t.Context(), r.mini, aScene, time.Minute, merge)
		r.must(err)
		if code.Content != "" {
			t.Errorf("content %q", code.Content)
		}
		return code.Picture
	}
	for name, picture := range map[string][]byte{"plain": code(false), "without a logo to merge": code(true)} {
		if m, text := scan(t, picture); text != aScene || isRed(m.At(215, 215)) {
			t.Errorf("%s: %q, %v", name, text, m.At(215, 215))
		}
	}
	want := `{"scene":"` + aScene + `","page":"pages/login/index","check_path":true,"env_version":"release"}`
	if call := r.wechat.Calls(wechattest.PathPicture)[0]; call.Body != want {
		t.Errorf("WeChat was sent %s", call.Body)
	}
	for _, size := range [][2]int{{300, 300}, {1024, 10}, {3, 700}, {1, 1}} {
		_, err := r.connections.Set(t.Context(), r.mini.ID, Change{Logo: ptr(logo(size[0], size[1])), EnvVersion: ptr("trial")})
		r.must(err)
		m, text := scan(t, code(true))
		if text != aScene || !isRed(m.At(215, 215)) {
			t.Errorf("with a logo of %v: %q, %v in the middle", size, text, m.At(215, 215))
		}
	}
}

// TestCodeOfOfficialAccount: the text to draw, with the scene and the life that were asked for.
func TestCodeOfOfficialAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	code, err := r.Code(t.Context(), r.official, aScene, 2*time.Minute, true)
	r.must(err)
	if r.wechat.Scene(code.Content) != aScene || code.Picture != nil {
		t.Errorf("%+v", code)
	}
	want := `{"expire_seconds":120,"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"` + aScene + `"}}}`
	if call := r.wechat.Calls(wechattest.PathQRCode)[0]; call.Body != want || call.Query != "access_token="+r.wechat.Tokens(wechattest.OfficialID)[0] {
		t.Errorf("WeChat was sent %s, %s", call.Query, call.Body)
	}
}

// TestPicturesAreBounded (Q10): what is too long, too large before a pixel is decoded, or no picture is not drawn.
func TestPicturesAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	var wide, tall, full bytes.Buffer
	if err := png.Encode(&wide, image.NewGray(image.Rect(0, 0, maxSide+1, 1))); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&tall, image.NewGray(image.Rect(0, 0, 1, maxSide+1)), nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&full, image.NewGray(image.Rect(0, 0, maxSide, maxSide))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"as large as may be": {full.String(), nil},
		"too wide":           {wide.String(), ErrUnavailable},
		"too tall":           {tall.String(), ErrUnavailable},
		"too long":           {full.String() + string(make([]byte, maxPicture)), ErrUnavailable},
		"broken":             {full.String()[:full.Len()/2], ErrUnavailable},
		"no picture":         {"GIF89a", ErrUnavailable},
		"nothing":            {" ", ErrUnavailable},
		"JSON of no error":   {`{"errcode":0}`, ErrUnavailable},
		"no such page":       {`{"errcode":41030,"errmsg":"invalid page"}`, ErrRefused},
		"out of quota":       {`{"errcode":45009}`, ErrBusy},
	} {
		r.wechat.Fail(wechattest.PathPicture, wechattest.Fault{Raw: c.raw})
		_, err := r.Code(t.Context(), r.mini, aScene, time.Minute, false)
		r.want(name, err, c.want)
	}
}

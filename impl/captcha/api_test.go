package captcha

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// lenient is the application of everybody.
type lenient struct{}

func (lenient) LenientApplication(context.Context, string, string) (db.Application, error) {
	return db.Application{UserpoolID: "pool"}, nil
}

// create is the operation, from one and the same client.
func (r *rig) create(ctx context.Context, body gen.CaptchaRequest) (*gen.Captcha, error) {
	r.t.Helper()
	answer, err := NewAPI(r.Service, lenient{}).CreateCaptcha(from(ctx, "192.0.2.1"), gen.CreateCaptchaRequestObject{Body: &body})
	if err != nil {
		return nil, err
	}
	return answer.(gen.CreateCaptcha200JSONResponse).Data, nil
}

// TestCreateImage: the operation answers images, or sounds, with their life in seconds.
func TestCreateImage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for audio, media := range map[bool]string{false: "image/png", true: "audio/wav"} {
		image, err := r.create(t.Context(), gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin, Audio: optional.Of(audio)})
		r.must(err)
		if image.Expire != 180 || image.URL == nil || !strings.HasPrefix(*image.URL, "data:"+media+";base64,") {
			t.Errorf("audio %v: %+v", audio, image)
		}
		r.want("check", r.CheckImage(t.Context(), "pool", "login", image.CodeID, r.random.answer), nil)
	}
}

// TestCreateCode: the operation sends codes by e-mail and SMS, to the account under either of its names, and answers with
// an id and the life in seconds. The code is in the message only.
func TestCreateCode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typ           gen.CaptchaRequestType
		account, data string
		want          message.Channel
		to            string
	}{
		{gen.CaptchaRequestTypeEmail, alice, "", message.Email, alice},
		{gen.CaptchaRequestTypeEmail, "", alice, message.Email, alice},
		{gen.CaptchaRequestTypeEmail, alice, nobody, message.Email, alice},
		{gen.CaptchaRequestTypePhone, "13800138000", "", message.Phone, alicePhone},
		{gen.CaptchaRequestTypeSms, "", "13800138000", message.Phone, alicePhone},
	} {
		r := newRig(t)
		body := gen.CaptchaRequest{Type: test.typ, Use: gen.CaptchaUseLogin, Account: optional.Of(test.account), Data: optional.Of(test.data)}
		code, err := r.create(t.Context(), body)
		r.must(err)
		if code.Expire != 300 || code.URL != nil || strings.Contains(fmt.Sprintf("%+v", *code), r.random.answer) {
			t.Errorf("%+v: %+v", test, code)
		}
		if m := r.last(); m.Channel != test.want || m.To != test.to || m.Code != r.random.answer {
			t.Errorf("%+v: posted %+v", test, m)
		}
		_, err = r.CheckSent(t.Context(), "pool", test.want, "login", test.to, code.CodeID, r.random.answer)
		r.want("check", err, nil)
	}
}

// TestCreateCodeRefusals: a missing account is told first, then a channel that is not there.
func TestCreateCodeRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.outbox.absent[message.Email], r.outbox.absent[message.Phone] = true, true
	for _, typ := range []gen.CaptchaRequestType{gen.CaptchaRequestTypeEmail, gen.CaptchaRequestTypePhone, gen.CaptchaRequestTypeSms} {
		_, err := r.create(t.Context(), gen.CaptchaRequest{Type: typ, Use: gen.CaptchaUseLogin})
		r.want(string(typ)+" to nobody", err, ErrAccountNeeded)
		_, err = r.create(t.Context(), gen.CaptchaRequest{Type: typ, Use: gen.CaptchaUseLogin, Account: optional.Of(alice)})
		r.want(string(typ), err, ErrChannel)
	}
}

// TestCreateCodeForACaller (C9): the operation passes the image and its answer on, and needs none of who has signed in.
func TestCreateCodeForACaller(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.free()
	body := gen.CaptchaRequest{Type: gen.CaptchaRequestTypeEmail, Use: gen.CaptchaUseLogin, Account: optional.Of(alice)}
	for range 3 {
		_, err := r.create(t.Context(), body)
		r.must(err)
	}
	_, err := r.create(t.Context(), body)
	r.want("anonymous", err, ErrImageNeeded)
	_, err = r.create(authn.With(t.Context(), authn.Principal{Management: &authn.Management{UserpoolID: "pool"}}), body)
	r.want("an access key, which is no user", err, ErrImageNeeded)
	_, err = r.create(authn.With(t.Context(), authn.Principal{User: &authn.User{UserpoolID: "pool", ID: "alice"}}), body)
	r.want("signed in", err, nil)
	image := r.solved("login")
	body.CodeID, body.Code = &image.ID, &image.Text
	_, err = r.create(t.Context(), body)
	r.want("with an image", err, nil)
	_, err = r.create(t.Context(), body)
	r.want("with the image again", err, ErrWrong)
}

// TestCreateCodeInWhichUserpool (C3): what only a signed-in user does with a code is done in the user's own userpool, though
// the request is about another; for the rest, a user of another userpool is nobody in particular, and needs an image.
func TestCreateCodeInWhichUserpool(t *testing.T) {
	t.Parallel()
	for use, test := range map[gen.CaptchaUse]struct {
		pool   string
		nobody bool
	}{
		gen.CaptchaUseLogin: {"pool", true}, gen.CaptchaUseRegister: {"pool", true}, gen.CaptchaUseForgetPwd: {"pool", true},
		gen.CaptchaUseChangePwd: {"home", false}, gen.CaptchaUseBindAccount: {"home", false},
	} {
		r := newRig(t)
		r.free()
		ctx := authn.With(t.Context(), authn.Principal{User: &authn.User{UserpoolID: "home", ID: "alice"}})
		body := gen.CaptchaRequest{Type: gen.CaptchaRequestTypeEmail, Use: use, Account: optional.Of(nobody)}
		for range 3 {
			_, err := r.create(ctx, body)
			r.must(err)
		}
		if got := r.last().UserpoolID; got != test.pool {
			t.Errorf("%s: in the userpool %q, want %q", use, got, test.pool)
		}
		var want error
		if test.nobody {
			want = ErrImageNeeded
		}
		_, err := r.create(ctx, body)
		r.want(string(use)+", a fourth", err, want)
	}
}

package captcha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// TestCheckImage (C2, C3, C8): an answer is good for its image, use and userpool, for 180 seconds; everything else fails
// in one and the same way, so that nobody learns which part was wrong.
func TestCheckImage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pool, use, id string // empty: as made
		answer        func(right string) string
		after         time.Duration
		good          bool
	}{
		"right":              {good: true},
		"at the last moment": {after: 180*time.Second - time.Microsecond, good: true},
		"expired":            {after: 180 * time.Second},
		"long expired":       {after: 24 * time.Hour},
		"other use":          {use: "register"},
		"other userpool":     {pool: "other"},
		"unknown id":         {id: strings.Repeat("0", idLength)},
		"no id":              {id: " "},
		"no answer":          {answer: func(string) string { return "" }},
		"wrong answer":       {answer: func(string) string { return "000000" }},
		"a digit too few":    {answer: func(s string) string { return s[1:] }},
		"a digit too many":   {answer: func(s string) string { return s + "0" }},
		"with a space":       {answer: func(s string) string { return s + " " }},
		"full-width digits":  {answer: func(s string) string { return strings.ReplaceAll(s, "7", "７") }},
		"longest answer":     {answer: func(s string) string { return strings.Repeat(s, 1000) }},
		"NUL":                {answer: func(s string) string { return s + "\x00" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			image := r.image()
			or := func(given, made string) string {
				if given == "" {
					return made
				}
				return given
			}
			answer := r.answer
			if test.answer != nil {
				answer = test.answer(answer)
			}
			r.clock.now = r.clock.now.Add(test.after)
			err := r.CheckImage(t.Context(), or(test.pool, "pool"), or(test.use, "login"), or(test.id, image.ID), answer)
			if test.good {
				r.want("check", err, nil)
			} else if err != error(ErrWrong) { // the very value: no detail, no cause
				t.Errorf("check: %#v, want ErrWrong as it is", err)
			}
		})
	}
}

// TestImageIsUsedUpByItsFirstCheck (C4): right or wrong, of whatever reason, there is no second one. Only who does not
// know the userpool has not checked this image at all.
func TestImageIsUsedUpByItsFirstCheck(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]struct {
		pool, use, answer string
		want, then        error
	}{
		"right":          {"pool", "login", "", nil, ErrWrong},
		"wrong answer":   {"pool", "login", "000000", ErrWrong, ErrWrong},
		"other use":      {"pool", "register", "", ErrWrong, ErrWrong},
		"other userpool": {"other", "login", "", ErrWrong, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			image := r.image()
			answer := first.answer
			if answer == "" {
				answer = r.answer
			}
			r.want("first check", r.CheckImage(t.Context(), first.pool, first.use, image.ID, answer), first.want)
			r.want("second check", r.CheckImage(t.Context(), "pool", "login", image.ID, r.answer), first.then)
		})
	}
}

// TestParallelChecks (C4): one right answer, 64 times at once, is right once.
func TestParallelChecks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	image := r.image()
	var (
		all   sync.WaitGroup
		right atomic.Int32
		start = make(chan struct{})
	)
	for range 64 {
		all.Go(func() {
			<-start
			if err := r.CheckImage(t.Context(), "pool", "login", image.ID, r.answer); err == nil {
				right.Add(1)
			} else if !errors.Is(err, ErrWrong) {
				t.Error(err)
			}
		})
	}
	close(start)
	all.Wait()
	if right.Load() != 1 {
		t.Errorf("%d of 64 were right, want 1", right.Load())
	}
}

// TestAnswerIsNowhere (C5, C8): not in the id, not in the row, not in the picture's bytes; the stored hash is keyed and
// bound to its image, so equal answers do not look equal.
func TestAnswerIsNowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	same := func(int) string { return "314159" }
	r.digits = same
	var hashes [][]byte
	for range 2 {
		image := r.image()
		if !regexp.MustCompile(`^[0-9A-Za-z]{20}$`).MatchString(image.ID) {
			t.Errorf("id %q", image.ID)
		}
		c, err := r.store.Captchas().Consume(t.Context(), "pool", image.ID)
		r.must(err)
		if c.Type != "image" || c.Use != "login" || c.ExpiresAt.Sub(c.CreatedAt) != 180*time.Second || len(c.AnswerHash) != 32 {
			t.Errorf("stored as %+v", c)
		}
		if text := fmt.Sprintf("%+v %s %x", c, c.AnswerHash, c.AnswerHash); strings.Contains(text, "314159") || strings.Contains(image.ID, "314159") {
			t.Errorf("the answer shows in %s", text)
		}
		hashes = append(hashes, c.AnswerHash)
	}
	if bytes.Equal(hashes[0], hashes[1]) {
		t.Error("the same answer is stored as the same hash")
	}
}

// TestOnlyImagesAreChecked (C3): a code of another type is none of an image, though account, use and answer are right.
func TestOnlyImagesAreChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for typ, want := range map[string]error{"image": nil, "email": ErrWrong, "phone": ErrWrong} {
		r.must(r.store.Captchas().Insert(t.Context(), db.Captcha{
			UserpoolID: "pool", ID: typ, Type: typ, Use: "login", AnswerHash: r.hash(typ, "", "123456"),
			CreatedAt: r.clock.now, ExpiresAt: r.clock.now.Add(time.Minute),
		}))
		r.want(typ, r.CheckImage(t.Context(), "pool", "login", typ, "123456"), want)
	}
}

// TestImagesPerIP (C8): 20 images a minute for one client, whichever address of its IPv6 network it uses.
func TestImagesPerIP(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for client, addresses := range map[string][]string{
		"IPv4": {"192.0.2.1"}, "IPv6": {"2001:db8::1", "2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff"},
	} {
		for i := range 20 {
			_, err := r.Create(from(t.Context(), addresses[i%len(addresses)]), "pool", "image", "login", "")
			r.want(client, err, nil)
		}
		made := r.made
		for _, address := range addresses {
			_, err := r.Create(from(t.Context(), address), "pool", "image", "login", "")
			r.want(client+" once more", err, apierr.ErrRateLimited)
		}
		if r.made != made {
			t.Error("a picture was drawn for a refused request")
		}
	}
	r.clock.now = r.clock.now.Add(3 * time.Second)
	_, err := r.Create(from(t.Context(), "192.0.2.1"), "pool", "image", "login", "")
	r.want("three seconds later", err, nil)
}

// lenient is the application of everybody.
type lenient struct{}

func (lenient) LenientApplication(context.Context, string, string) (db.Application, error) {
	return db.Application{UserpoolID: "pool"}, nil
}

// TestCreateCaptcha: the operation answers images with their life in seconds; a channel that is not there is refused
// clearly, after a missing account.
func TestCreateCaptcha(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api := NewAPI(r.Service, lenient{})
	create := func(typ gen.CaptchaRequestType, account, data string) (gen.CreateCaptchaResponseObject, error) {
		return api.CreateCaptcha(t.Context(), gen.CreateCaptchaRequestObject{Body: &gen.CreateCaptchaJSONRequestBody{
			Type: typ, Use: gen.CaptchaUseLogin, Account: optional.Of(account), Data: optional.Of(data),
		}})
	}
	answer, err := create(gen.CaptchaRequestTypeImage, "", "")
	r.must(err)
	image := answer.(gen.CreateCaptcha200JSONResponse).Data
	if image.Expire != 180 || image.URL == nil || !strings.HasPrefix(*image.URL, "data:image/png;base64,") {
		t.Errorf("image: %+v", image)
	}
	r.want("check", r.CheckImage(t.Context(), "pool", "login", image.CodeID, r.answer), nil)
	for _, typ := range []gen.CaptchaRequestType{gen.CaptchaRequestTypeEmail, gen.CaptchaRequestTypePhone, gen.CaptchaRequestTypeSms} {
		_, err := create(typ, "", "")
		r.want(string(typ)+" to nobody", err, ErrAccountNeeded)
		_, err = create(typ, "alice@example.com", "")
		r.want(string(typ), err, ErrChannel)
		_, err = create(typ, "", "alice@example.com")
		r.want(string(typ)+" by the older name", err, ErrChannel)
	}
}

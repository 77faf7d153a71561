package captcha

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// TestCheckImage (C2, C3, C8): an answer is good for its image, use and userpool, for 180 seconds; everything else fails
// in one and the same way, so that nobody learns which part was wrong. Only who sends nothing at all is told to.
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
		"with a space":       {answer: func(s string) string { return " " + s + " " }, good: true},
		"full-width digits":  {answer: func(s string) string { return strings.ReplaceAll(s, "7", "７") }, good: true},
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
			answer := r.random.answer
			if test.answer != nil {
				answer = test.answer(answer)
			}
			r.advance(test.after)
			err := r.CheckImage(t.Context(), or(test.pool, "pool"), or(test.use, "login"), or(test.id, image.ID), answer)
			if test.good {
				r.want("check", err, nil)
			} else if err != error(ErrWrong) { // the very value: no detail, no cause
				t.Errorf("check: %#v, want ErrWrong as it is", err)
			}
			r.want("nothing at all", r.CheckImage(t.Context(), "pool", "login", "", ""), ErrImageNeeded)
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
				answer = r.random.answer
			}
			r.want("first check", r.CheckImage(t.Context(), first.pool, first.use, image.ID, answer), first.want)
			r.want("second check", r.CheckImage(t.Context(), "pool", "login", image.ID, r.random.answer), first.then)
		})
	}
}

// TestParallelImageChecks (C4): one right answer, 64 times at once, is right once.
func TestParallelImageChecks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	image, right := r.image(), 0
	for _, err := range together(64, func(int) error {
		return r.CheckImage(t.Context(), "pool", "login", image.ID, r.random.answer)
	}) {
		if err == nil {
			right++
		} else if !errors.Is(err, ErrWrong) {
			t.Error(err)
		}
	}
	if right != 1 {
		t.Errorf("%d of 64 were right, want 1", right)
	}
}

// TestAnswerIsNowhere (C5, C8): not in the id, not in the row, not in the picture's bytes; the stored hash is keyed and
// bound to its image, so equal answers do not look equal.
func TestAnswerIsNowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var hashes [][]byte
	for range 2 {
		r.random.next = "314159"
		image := r.image()
		if !regexp.MustCompile(`^[0-9A-Za-z]{20}$`).MatchString(image.ID) {
			t.Errorf("id %q", image.ID)
		}
		c, err := r.store.Captchas().Consume(t.Context(), "pool", image.ID)
		r.must(err)
		if c.Type != "image" || c.Use != "login" || c.ExpiresAt.Sub(c.CreatedAt) != 180*time.Second || len(c.AnswerHash) != 32 {
			t.Errorf("stored as %+v", c)
		}
		if text := fmt.Sprintf("%+v %s %x", c, c.AnswerHash, c.AnswerHash); strings.Contains(text, "314159") || strings.Contains(image.ID+image.URL, "314159") {
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
	id := r.sent()
	r.want("a code that was sent", r.CheckImage(t.Context(), "pool", "login", id, r.random.answer), ErrWrong)
	image := r.image()
	_, err := r.check(image.ID, r.random.answer)
	r.want("an image for a code that was sent", err, ErrWrong)
}

// TestImagesPerIP (C8): 20 images a minute for one client, whichever address of its IPv6 network it uses.
func TestImagesPerIP(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	draw := func(ip string) error {
		image, err := r.Draw(from(t.Context(), ip), "pool", "login", false)
		if err != nil && image != (Image{}) {
			t.Errorf("a refused request got %+v", image)
		}
		return err
	}
	for client, addresses := range map[string][]string{
		"IPv4": {"192.0.2.1"}, "IPv6": {"2001:db8::1", "2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff"},
	} {
		for i := range 20 {
			r.want(client, draw(addresses[i%len(addresses)]), nil)
		}
		for _, address := range addresses {
			r.want(client+" once more", draw(address), apierr.ErrRateLimited)
		}
	}
	r.advance(time.Minute - time.Microsecond)
	r.want("within the minute", draw("192.0.2.1"), apierr.ErrRateLimited)
	r.advance(time.Microsecond)
	r.want("a minute later", draw("192.0.2.1"), nil)
}

// TestKindOfUserpool (C11): every userpool has the kind of picture that it is configured to have, whoever asks; who
// cannot see has sound. All of them are checked in the same way, and letters in either case.
func TestKindOfUserpool(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(r.Kind.UnmarshalText([]byte("digits,letters=letters,sums=arithmetic,chinese=chinese,loud=audio")))
	for _, test := range []struct {
		pool   string
		audio  bool
		media  string
		digits bool // the answer is six digits, of the injected random
	}{
		{"pool", false, "image/png", true},
		{"letters", false, "image/png", false},
		{"sums", false, "image/png", false},
		{"chinese", false, "image/png", false},
		{"loud", false, "audio/wav", true},
		{"pool", true, "audio/wav", true},
		{"letters", true, "audio/wav", true},
	} {
		name, made, picked := fmt.Sprint(test.pool, ", audio ", test.audio), r.random.made, r.random.picked
		image, err := r.Draw(t.Context(), test.pool, "login", test.audio)
		r.must(err)
		if !strings.HasPrefix(image.URL, "data:"+test.media+";base64,") {
			t.Errorf("%s: %.40s, want %s", name, image.URL, test.media)
		}
		if (r.random.made > made) != test.digits || !test.digits && r.random.picked == picked {
			t.Errorf("%s: %d times digits were made, and %d times something was picked", name, r.random.made-made, r.random.picked-picked)
		}
		if test.digits {
			r.want(name, r.CheckImage(t.Context(), test.pool, "login", image.ID, r.random.answer), nil)
		}
	}
	again := &dealt{picked: r.random.picked}
	image, err := r.Draw(t.Context(), "letters", "login", false)
	r.must(err)
	p, err := puzzle.Make(puzzle.Letters, again) // the same letters
	r.must(err)
	r.want("in lower case", r.CheckImage(t.Context(), "letters", "login", image.ID, strings.ToLower(p.Answer)), nil)
}

package mfa

import (
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// showAt signs in with the code of a device whose clock is so many steps off, ten minutes after the last time, and returns
// what the person is told beside the success.
func (r *rig) showAt(offset int64, l lang.Lang) (hint string, err error) {
	r.t.Helper()
	r.advance(10 * time.Minute)
	info := &reqinfo.Info{Lang: l}
	ctx := reqinfo.With(r.t.Context(), info)
	_, use, err := r.Challenge(ctx, "pool", "alice", authn.Code{Text: r.codeOf(offset)})
	if err == nil {
		err = use(ctx, nothing)
	}
	return info.Hint, err
}

// drift is what is known of the device's clock.
func (r *rig) drift() int { return r.factors()[0].Drift }

// TestClockThatRunsFast (T7): a device whose clock goes wrong slowly is followed as far as four steps; one that is suddenly
// far off is not believed, and nor is one beyond.
func TestClockThatRunsFast(t *testing.T) {
	t.Parallel()
	for name, sign := range map[string]int64{"fast": 1, "slow": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := boundRig(t)
			_, err := r.showAt(2*sign, lang.English)
			r.want("a jump of a minute", err, ErrCodeWrong)
			for off := int64(1); off <= 5; off++ {
				_, err := r.showAt(off*sign, lang.English)
				r.want("a step further", err, nil)
				if got, want := r.drift(), int(min(off, 4)*sign); got != want {
					t.Errorf("at %d: known as %d steps off, want %d", off*sign, got, want)
				}
			}
			_, err = r.showAt(6*sign, lang.English)
			r.want("further than it is followed", err, ErrCodeWrong)
			_, err = r.showAt(2*sign, lang.English)
			r.want("far from where it is expected", err, ErrCodeWrong)
			_, err = r.showAt(3*sign, lang.English)
			r.want("a step back", err, nil)
			if got := r.drift(); got != int(3*sign) {
				t.Errorf("known as %d steps off, want %d", got, 3*sign)
			}
			if f, err := r.Factors(t.Context(), r.user); err != nil || f[0].ClockOffset != time.Duration(3*sign)*30*time.Second {
				t.Errorf("the user is shown %v, %v", f[0].ClockOffset, err)
			}
			_, err = r.showAt(0, lang.English)
			r.want("put right", err, nil)
			if got := r.drift(); got != 0 {
				t.Errorf("a clock that is right is known as %d steps off", got)
			}
			_, err = r.showAt(-sign, lang.English)
			r.want("a step to the other side", err, nil)
		})
	}
}

// TestOnlySuccessesTeach (T7): nothing is learnt of a code that is wrong, replayed, or that opened nothing.
func TestOnlySuccessesTeach(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	_, use, err := r.Challenge(t.Context(), "pool", "alice", authn.Code{Text: r.codeOf(1)})
	r.must(err)
	r.want("an effect that fails", use(t.Context(), func(db.Queries) error { return ErrFactor }), ErrFactor)
	if got := r.drift(); got != 0 {
		t.Errorf("without a success it is known as %d steps off", got)
	}
	fast := r.codeOf(1)
	r.must(r.verify(fast))
	r.want("once more", r.verify(fast), ErrCodeUsed)
	if got := r.drift(); got != 1 {
		t.Errorf("after one success it is known as %d steps off, want 1", got)
	}
}

// TestClockIsKnownFromTheStart (T7): the code that binds teaches as well.
func TestClockIsKnownFromTheStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.scan()
	r.must(r.bind(r.codeOf(-1), ""))
	if got := r.drift(); got != -1 {
		t.Errorf("known as %d steps off, want -1", got)
	}
	_, err := r.showAt(-2, lang.English)
	r.want("the next code of a clock that gets slower", err, nil)
}

// TestStrictProfile (T3): without skew the code of this step is good and no other, whatever was learnt before.
func TestStrictProfile(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	for _, drift := range []int{0, 1, -4} {
		r.execute("UPDATE mfa_factors SET drift = $1, failures = 0, blocked_until = NULL", drift)
		r.Skew = 0
		for _, offset := range []int64{-4, -1, 1} {
			_, err := r.showAt(offset, lang.English)
			r.want("another step", err, ErrCodeWrong)
		}
		_, err := r.showAt(0, lang.English)
		r.want("this step", err, nil)
		if got := r.drift(); got != 0 {
			t.Errorf("the strict profile follows a clock: %d", got)
		}
	}
}

// TestHintOfAClock (T7): who signs in with a device a minute or more off is told by how much and in which direction, in its
// language; below that, and when it is refused, nothing is said, and neither once the clock is right.
func TestHintOfAClock(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	for _, test := range []struct {
		offset int64
		lang   lang.Lang
		says   []string // nil for nothing
	}{
		{0, lang.English, nil},
		{1, lang.English, nil},
		{2, lang.English, []string{"60 seconds fast"}},
		{3, lang.Chinese, []string{"快了约 90 秒"}},
		{4, lang.English, []string{"120 seconds fast"}},
		{5, lang.English, []string{"120 seconds fast"}}, // as far as it is followed
		{0, lang.English, nil},
		{-1, lang.Chinese, nil},
		{-2, lang.Chinese, []string{"慢了约 60 秒", "自动校时"}},
		{-3, lang.English, []string{"90 seconds slow", "let it set itself"}},
		{0, lang.Chinese, nil},
	} {
		hint, err := r.showAt(test.offset, test.lang)
		r.must(err)
		if (hint == "") != (test.says == nil) {
			t.Errorf("%+d steps off, %v: %q", test.offset, test.lang, hint)
		}
		for _, want := range test.says {
			if !strings.Contains(hint, want) {
				t.Errorf("%+d steps off, %v: %q, want %q in it", test.offset, test.lang, hint, want)
			}
		}
		if strings.Contains(hint, "-") {
			t.Errorf("%+d steps off: a sign in %q", test.offset, hint)
		}
	}
	if hint, err := r.showAt(8, lang.English); err == nil || hint != "" {
		t.Errorf("refused: %v, and told %q", err, hint)
	}
}

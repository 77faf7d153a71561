package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestOwnerIsToldOfEveryChange: whatever happens to the second factor, its owner reads of it, in the language of who did it,
// once for each; and no notice has a code, a secret or a link.
func TestOwnerIsToldOfEveryChange(t *testing.T) {
	t.Parallel()
	for language, says := range map[string]map[string][2]string{
		"en": {
			"bound":    {"Menshen: an authenticator was added", "From now on a login needs a code of it"},
			"removed":  {"Menshen: an authenticator was removed", "has just been removed"},
			"disabled": {"Menshen: an authenticator was disabled", "After a hundred wrong codes in a row"},
			"used":     {"Menshen: a recovery code was used", "It is void now"},
			"made":     {"Menshen: new recovery codes", "Those of before are void"},
		},
		"zh": {
			"bound":    {"Menshen：已绑定身份验证器", "今后登录需要输入它的动态验证码"},
			"removed":  {"Menshen：已解绑身份验证器", "刚刚解绑"},
			"disabled": {"Menshen：身份验证器已停用", "连续一百次输入错误"},
			"used":     {"Menshen：已使用恢复码", "该恢复码现已失效"},
			"made":     {"Menshen：已生成新的恢复码", "之前的恢复码已失效"},
		},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			h := harness.New(t, harness.NoLimits)
			h.Clock.Freeze()
			alice := resident(h)
			alice.Client = speaking(h, alice, language)
			seen := 0
			wantTold := func(events ...string) {
				t.Helper()
				h.Clock.Advance(1) // what is told next is newer
				letters := h.Letters("Bob@example.com")
				if got := letters[seen:]; len(got) != len(events) {
					t.Errorf("after %v: %d letters: %+v", events, len(got), got)
				}
				for _, event := range events {
					if !slices.ContainsFunc(letters[seen:], func(letter letter) bool {
						return strings.HasPrefix(letter.Subject, says[event][0]) && strings.Contains(letter.Text, says[event][1])
					}) {
						t.Errorf("not told: %s", event)
					}
				}
				for _, letter := range letters[seen:] {
					if letter.Code != "" || regexp.MustCompile(`http|otpauth|[A-Z2-7]{16}|[0-9]{6}|-[0-9a-f]{4}-`).MatchString(letter.Text) {
						t.Errorf("a notice has more than news: %+v", letter)
					}
				}
				seen = len(letters)
			}
			next := func(p *harness.Person) string { return p.Phone().NextCode() }

			alice.Scan()
			wantTold()
			alice.EnrolTOTP()
			wantTold("bound")
			wantRefused(t, "a wrong code", must(alice.Client.VerifyMFAWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: "000000"}))(t), "")
			wantTold()
			codes := alice.RecoveryCodes(next(alice))
			wantTold("made")
			alice.StepUp(codes[0])
			wantTold("used")

			asked := alice.RequestFactor("Tablet")
			_, parameters := h.ReadURI(asked.OTPData.QRCodeURI)
			tablet := h.Phone(parameters.Get("secret"))
			wantSuccess(t, "the status dialect", alice.EnrollFactor(asked.EnrollmentToken, tablet.Code()))
			wantTold("bound")
			id := factorsOf(t, alice)[0].FactorID
			wantSuccess(t, "reset", must(alice.Client.ResetFactorWithResponse(t.Context(), gen.ResetFactorDto{FactorID: id}))(t))
			wantTold("removed")
			h.Exec(`UPDATE mfa_factors SET failures = 99`) // the way there is TestHundredGuessesEndIt
			wantRefused(t, "the hundredth", alice.TryStepUp(h.WrongCodes(1, alice.Secret, tablet.Secret)[0]), "")
			wantTold("disabled")
			wantSuccess(t, "unbind", alice.Unbind("", codes[1]))
			wantTold("used", "removed")

			r := must(alice.Client.GetMFAQRCodeWithResponse(t.Context(), nil))(t)
			wantSuccess(t, "without one again", r)
			wantTold()
		})
	}
}

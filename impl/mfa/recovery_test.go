package mfa

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// codesRig is boundRig with ten recovery codes, in the time step after the one whose code made them.
func codesRig(t *testing.T) (r *rig, codes []string) {
	t.Helper()
	r = boundRig(t)
	codes, err := r.MakeRecoveryCodes(t.Context(), r.user, r.code())
	r.must(err)
	r.advance(30 * time.Second)
	return r, codes
}

func (r *rig) wantLeft(want int) {
	r.t.Helper()
	if left, err := r.RecoveryCodesLeft(r.t.Context(), r.user); err != nil || left != want {
		r.t.Errorf("%d recovery codes left, %v; want %d", left, err, want)
	}
}

// TestRecoveryCodes (T14): ten codes of 96 bit, as the V3 API writes them and no two the same, each good once in the place
// of an authenticator's code, as people copy them; what is left is counted, and the user is told of every use.
func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	form, seen := regexp.MustCompile(`^([0-9a-f]{4}-){5}[0-9a-f]{4}$`), map[string]bool{}
	for _, code := range codes {
		seen[code] = true
		if !form.MatchString(code) {
			t.Errorf("%q is not 96 bit in six groups", code)
		}
	}
	if len(codes) != 10 || len(seen) != 10 {
		t.Errorf("%d different codes of %d, want 10", len(seen), len(codes))
	}
	r.wantLeft(10)
	copied := []string{
		codes[0], strings.ReplaceAll(codes[1], "-", ""), strings.ReplaceAll(codes[2], "-", " "), strings.ToUpper(codes[3]), " " + codes[4] + " ",
	}
	for i, code := range copied {
		r.want("as it is copied", r.verify(code), nil)
		r.wantLeft(9 - i)
		for _, again := range []string{code, codes[i]} {
			r.want("again", r.verify(again), ErrRecoveryCodeUsed)
		}
	}
	r.want("of nobody", r.verify("0123-4567-89ab-cdef-0123-4567"), ErrRecoveryCode)
	r.wantTold("factor_bound", "recovery_codes_made", "recovery_code_used", "recovery_code_used", "recovery_code_used", "recovery_code_used",
		"recovery_code_used")
	for action, want := range map[string]int{"mfa.recovery success": 5, "mfa.recovery refused": 1, "mfa.replay refused": 10, "mfa.recovery_codes success": 1} {
		name, outcome, _ := strings.Cut(action, " ")
		if n := r.audited(name, outcome); n != want {
			t.Errorf("%s: %d times in the audit log, want %d", action, n, want)
		}
	}
	if n := r.failures(); n != 0 {
		t.Errorf("recovery codes cost the authenticator %d tries", n)
	}
}

// TestRecoveryCodesAreHashed (T14): no code can be read from any row, with its hyphens or without.
func TestRecoveryCodesAreHashed(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	r.must(r.verify(codes[0]))
	rows := strings.Join(r.list(`
		SELECT to_jsonb(c)::text || convert_from(decode(replace(encode(code_hash, 'hex'), '00', '2e'), 'hex'), 'LATIN1') FROM mfa_recovery_codes c
		UNION ALL SELECT to_jsonb(o)::text FROM outbox o UNION ALL SELECT to_jsonb(a)::text FROM audit_log a`), "\n")
	for _, code := range codes {
		if strings.Contains(rows, code) || strings.Contains(rows, plainRecoveryCode(code)) {
			t.Errorf("a row has the code %s", code)
		}
	}
	if n := len(r.list("SELECT user_id FROM mfa_recovery_codes WHERE length(code_hash) = 32")); n != 10 {
		t.Errorf("%d hashes of 256 bit, want 10", n)
	}
}

// TestRecoveryCodeOfAnother (T14): a code is good for the user it was made for: the same code, hashed for another, is
// another.
func TestRecoveryCodeOfAnother(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	r.person("mallory")
	r.execute(`INSERT INTO mfa_recovery_codes (userpool_id, user_id, code_hash, created_at)
		SELECT userpool_id, 'mallory', code_hash, created_at FROM mfa_recovery_codes`)
	_, _, err := r.Challenge(t.Context(), "pool", "mallory", authn.Code{Text: codes[0]})
	r.want("of alice, in a row of mallory", err, ErrRecoveryCode)
	r.want("of alice", r.verify(codes[0]), nil)
}

// TestNewRecoveryCodes (T14): new codes need a code that has not been used, also a recovery code, and void the old ones,
// of which none is good any more. A wrong or used one changes nothing.
func TestNewRecoveryCodes(t *testing.T) {
	t.Parallel()
	r, old := codesRig(t)
	used := r.code()
	r.must(r.verify(used))
	for code, want := range map[string]error{used: ErrCodeUsed, r.wrong(): ErrCodeWrong, "": ErrCodeWrong, "0123-4567-89ab-cdef-0123-4567": ErrRecoveryCode} {
		if got, err := r.MakeRecoveryCodes(t.Context(), r.user, code); !errors.Is(err, want) || got != nil {
			t.Errorf("%q: %d codes, %v; want %v", code, len(got), err, want)
		}
	}
	r.wantLeft(10)
	r.advance(30 * time.Second)
	newer, err := r.MakeRecoveryCodes(t.Context(), r.user, r.code())
	r.must(err)
	r.want("an old one", r.verify(old[0]), ErrRecoveryCode)
	newest, err := r.MakeRecoveryCodes(t.Context(), r.user, newer[0])
	r.must(err)
	for _, void := range []string{newer[0], newer[1], old[9]} {
		r.want("a void one", r.verify(void), ErrRecoveryCode)
	}
	r.wantLeft(10)
	r.want("a new one", r.verify(newest[9]), nil)
	r.wantTold("factor_bound", "recovery_codes_made", "recovery_codes_made", "recovery_code_used", "recovery_codes_made", "recovery_code_used")
}

// TestRecoveryCodesOnce (T14): of parallel sign-ins with one recovery code one gets in.
func TestRecoveryCodesOnce(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	won, lost := parallel(t, func() error { return r.verify(codes[0]) }, nil, ErrRecoveryCodeUsed)
	if won != 1 || lost != 63 {
		t.Errorf("%d won and %d lost, want 1 and 63", won, lost)
	}
	r.wantLeft(9)
}

// TestRecoveryCodesAreNotThrottled (T14; NIST SP 800-63B-4 section 3.1.2.2): 64 bit cannot be guessed at a door, and a limit
// would let somebody else keep the user out: after any number of wrong ones the right one is good, and the authenticator
// has not been tried.
func TestRecoveryCodesAreNotThrottled(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	for range 200 {
		r.want("a wrong one", r.verify("0123-4567-89ab-cdef-0123-4567"), ErrRecoveryCode)
	}
	r.want("the right one", r.verify(codes[0]), nil)
	r.wantFailures("200 wrong recovery codes", 0)
	if n := r.audited("mfa.recovery", "refused"); n != 200 {
		t.Errorf("%d refusals in the audit log, want 200", n)
	}
}

// TestUnfinishedRecovery (T14): a code whose session was not opened is not used up, and nobody is told.
func TestUnfinishedRecovery(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	_, use, err := r.Challenge(t.Context(), "pool", "alice", authn.Code{Text: codes[0]})
	r.must(err)
	r.want("an effect that fails", use(t.Context(), func(db.Queries) error { return ErrFactor }), ErrFactor)
	r.wantLeft(10)
	r.want("the same code, finished", r.verify(codes[0]), nil)
	r.wantTold("factor_bound", "recovery_codes_made", "recovery_code_used")
}

// TestWhatIsNoRecoveryCode (T9, T14): what is shorter than a recovery code is a try at the authenticator, and charged as
// one; what is as long is none.
func TestWhatIsNoRecoveryCode(t *testing.T) {
	t.Parallel()
	r, _ := codesRig(t)
	for code, want := range map[string]error{
		"123456789012345": ErrCodeWrong, "1234567890123456": ErrRecoveryCode, "12345678 90123456": ErrRecoveryCode,
		strings.Repeat("a", 64): ErrRecoveryCode, strings.Repeat("a", 65): ErrCodeWrong, "１２３４５６７８９０１２３４５６": ErrCodeWrong,
		"abcdefgh\x00abcdefgh": ErrCodeWrong, "abcdéfghabcdefgh": ErrCodeWrong, strings.Repeat("-", 24): ErrCodeWrong,
	} {
		r.execute("UPDATE mfa_factors SET failures = 0, blocked_until = NULL")
		r.want(code, r.verify(code), want)
		if charged := r.failures() == 1; charged != errors.Is(want, ErrCodeWrong) {
			t.Errorf("%q: charged to the authenticator: %v", code, charged)
		}
	}
}

// TestLastRemovalForgetsCodes (T14): without an authenticator there is nothing to recover: the codes go with the last one,
// and not before. Bound anew, no code of before is good.
func TestLastRemovalForgetsCodes(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(r *rig, id, code string) error{
		"unbind": func(r *rig, id, code string) error { return r.Unbind(r.t.Context(), r.user, id, code) },
		"reset": func(r *rig, id, code string) error {
			r.stepUp(code)
			return r.Reset(r.t.Context(), r.user, id)
		},
		"remove": func(r *rig, _, _ string) error { return r.Remove(r.t.Context(), "pool", "alice") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, codes := codesRig(t)
			first := r.app
			second := r.another("Tablet", first)
			if name != "remove" {
				r.must(remove(r, r.factors()[0].ID, r.codeBy(second, 0)))
				r.wantLeft(10)
				r.advance(time.Minute)
			}
			r.must(remove(r, r.factors()[0].ID, r.codeBy(second, 0)))
			r.wantLeft(0)
			r.want("a code", r.verify(codes[0]), ErrRecoveryCode)
			r.signIn("again")
			r.scan()
			r.must(r.bind(r.code(), ""))
			r.want("a code of before", r.verify(codes[0]), ErrRecoveryCode)
		})
	}
}

// TestRecoverAfterLoss (T14): a recovery code stands in for the lost phone at every door: it steps the session up, and with
// it the lost one is removed and another bound.
func TestRecoverAfterLoss(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	lost := r.factors()[0].ID
	r.signIn("later")
	r.stepUp(codes[0])
	r.scan()
	r.must(r.Confirm(t.Context(), r.user, Confirmation{Code: r.code(), Name: "New phone"}))
	r.want("remove the lost one", r.Unbind(t.Context(), r.user, lost, codes[1]), nil)
	if f := r.factors(); len(f) != 1 || f[0].Name != "New phone" {
		t.Errorf("%+v", f)
	}
	r.advance(time.Minute)
	r.want("the new phone", r.verify(r.code()), nil)
	r.wantLeft(8)
}

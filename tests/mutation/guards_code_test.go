package mutation

// codeGuards are those of image captchas, of codes that are sent, and of what limits them.
var codeGuards = []guard{
	{
		name: "C2 a code that was sent ends", file: "db/sentcode.go",
		text: ` AND expires_at > $7`, instead: ` AND $7::timestamptz IS NOT NULL`,
		red: "TestCharge",
	},
	{
		name: "C2 an image ends", file: "impl/captcha/image.go",
		text: ` || !s.clock.Now().Before(c.ExpiresAt)`,
		red:  "TestCheckImage",
	},
	{
		name: "C3 an image is for its use", file: "impl/captcha/image.go",
		text: ` || c.Use != use`,
		red:  "TestCheckImage",
	},
	{
		name: "C3 a code that was sent is for its use", file: "impl/captcha/check.go",
		text: `Use: use,`, instead: `Use: useLogin,`,
		red: "TestCheckSent",
	},
	{
		name: "C3 a code that was sent is for its account", file: "db/sentcode.go",
		text: ` AND account_hash = $4
			AND id = $5`, instead: ` AND $4 <> ''::bytea
			AND id = $5`,
		red: "TestCharge",
	},
	{
		name: "C4 the first check uses an image up", file: "db/captcha.go",
		text: `DELETE FROM captchas WHERE`, instead: `UPDATE captchas SET id = id WHERE`,
		red: "TestGuardedStatementsWinOnce/Consume_of_a_captcha", always: true,
	},
	{
		name: "C4 a try is charged", file: "db/sentcode.go",
		text: `SET attempts = attempts + 1`, instead: `SET attempts = attempts`,
		red: "TestCharge",
	},
	{
		name: "C4 there are five tries", file: "db/sentcode.go",
		text: ` AND attempts < $6`, instead: ` AND $6::integer > 0`,
		red: "TestGuardedStatementsWinOnce/Charge_of_a_code",
	},
	{
		name: "C4 sending again gives no tries", file: "db/sentcode.go",
		text: `attempts = CASE WHEN c.attempts_until > $8 THEN c.attempts ELSE 0 END,`, instead: `attempts = 0,`,
		red: "TestIssue",
	},
	{
		name: "C4 a right code is used up", file: "impl/captcha/check.go",
		text: `err := q.SentCodes().Spend(ctx, key, code.ID)`, instead: `err := error(nil)`,
		red: "TestSpentInTheTransaction|TestParallelUses",
	},
	{
		name: "C5 the hash of a code is its own", file: "impl/captcha/captcha.go",
		text: `s.ring.MAC("captchas", id, account, puzzle.Normal(answer))`, instead: `s.ring.MAC("captchas", puzzle.Normal(answer))`,
		red: "TestEqualCodesAreStoredApart",
	},
	{
		name: "C6 unknown users cost a hash", file: "impl/account/password.go",
		text: `encoded = &h.dummy`, instead: `return false, nil`,
		red: "TestVerifyNothing|TestEveryTryIsHashed",
	},
	{
		name: "C6 nobody is sent a code that opens nothing", file: "impl/captcha/send.go",
		text: `m.Decoy = r.Use != useLogin || !s.AutoRegister.Of(userpoolID)`, instead: `m.Decoy = false`,
		red: "TestWhoIsSentWhat",
	},
	{
		name: "C7 a quota is exact", file: "db/limit.go",
		text: `interval '1 microsecond') < $5`, instead: `interval '1 microsecond') <= $5`,
		red: "TestQuotaIsExact",
	},
	{
		name: "C7 a rate is exact", file: "db/limit.go",
		text: `<= $4 * ($5 - $6)`, instead: `<= $4 * $5`,
		red: "TestRuleIsExact", in: "impl/internal/limit",
	},
	{
		name: "C7 a budget is exact", file: "db/budget.go",
		text: ` WHERE b.sent < $5`,
		red:  "TestGuardedStatementsWinOnce/Spend_of_a_budget",
	},
	{
		name: "C7 an IPv6 client is its /64", file: "impl/internal/limit/limit.go",
		text: `addr.Prefix(64)`, instead: `addr.Prefix(128)`,
		red: "TestIPKey",
	},
	{
		name: "C7 SMS go to configured countries only", file: "impl/captcha/send.go",
		text: `if !s.SMSCountries.allow(to) {`, instead: `if false {`,
		red: "TestWhatCannotBeSent",
	},
	{
		name: "C8 images of a client are limited", file: "impl/captcha/image.go",
		text: `s.limiter.TakeOfWith(ctx, s.ImagesPerIP,`, instead: `s.limiter.TakeOfWith(ctx, limit.Rule{},`,
		red: "TestImagesPerIP",
	},
	{
		name: "C9 after the first sends an image is needed", file: "impl/captcha/charge.go",
		text: `case r.Image == (Answer{}):`, instead: `case false:`,
		red: "TestImageAfterThreeSends",
	},
}

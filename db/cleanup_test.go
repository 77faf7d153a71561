package db_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// ending makes a row in every table whose rows end by themselves, all named id and ending at a time. Those that hang on a
// session hang on one that does not end.
func (f fixture) ending(id string, at time.Time) {
	f.t.Helper()
	ctx := f.t.Context()
	user, session, pass, wait := newUser(id), newSession(id), newFastpass(id, sessionID), pending(sessionID, "sealed")
	session.ExpiresAt, pass.ExpiresAt, wait.ExpiresAt, wait.UserID = at, at, at, id
	f.must(f.Accounts().InsertUser(ctx, user))
	f.must(f.Sessions().Insert(ctx, session))
	f.must(f.Fastpasses().Insert(ctx, pass))
	err := f.MFA().PutPending(ctx, wait)
	f.must(err)
	signIn := newPendingSignIn(id, userID)
	signIn.ExpiresAt = at
	f.must(f.Sessions().InsertPending(ctx, signIn))
	f.must(f.Captchas().Insert(ctx, db.Captcha{UserpoolID: poolID, ID: id, AnswerHash: []byte{1}, CreatedAt: now, ExpiresAt: at}))
	f.must(f.Tenancy().UseNonce(ctx, poolID, "key", id, at))
	f.must(f.Limits().Take(ctx, db.Charge{UserpoolID: poolID, Key: id, Interval: time.Microsecond, Burst: 1, Now: at.Add(-time.Microsecond)}))
	f.must(qrIn(ctx, f.Queries, id, db.QRPending))
	code := newSentCode(id)
	code.ExpiresAt, code.AttemptsUntil = at, at
	f.must(f.SentCodes().Issue(ctx, code, 5))
	letter := newOutboxMessage(id)
	letter.ExpiresAt = at
	f.must(f.Outbox().Insert(ctx, letter))
	f.must(f.Outbox().Settle(ctx, letter, db.OutboxDelivered, now))
	f.must(f.Limits().TakeOf(ctx, db.Quota{UserpoolID: poolID, Key: id, Most: 1, Period: time.Hour, Now: at.Add(-time.Hour)}))
	f.must(f.Budgets().Spend(ctx, poolID, id, 1, at.Add(-40*24*time.Hour))) // the count of a day is kept for so long
	f.must(f.Budgets().RaiseAlert(ctx, poolID, id, now, at))
	f.must(f.Wechat().UseNonce(ctx, poolID, "connection", []byte(id), []byte{1}, at))
	f.must(f.Wechat().ClaimEvent(ctx, poolID, "connection", []byte(id), now, at, now))
	f.must(f.Wechat().PutScan(ctx, poolID, "connection", id, db.WechatScan{Sealed: []byte{1}, ExpiresAt: at}))
	f.execute("UPDATE qrlogins SET expires_at = $1 WHERE id = $2", at, id)
}

// endingTables are the tables of ending and how to count their rows of an id.
var endingTables = map[string]string{
	"sessions": "id", "fastpasses": "id", "mfa_pending": "user_id", "captchas": "id", "request_nonces": "nonce", "limits": "key",
	"qrlogins": "id", "sent_codes": "id", "outbox": "id", "sms_budgets": "scope", "alerts": "key",
	"quotas": "key", "pending_signins": "convert_from(token_hash, 'UTF8')",
	"wechat_nonces": "convert_from(nonce_hash, 'UTF8')", "wechat_events": "convert_from(event_hash, 'UTF8')", "wechat_scans": "open_id",
}

// TestEverythingThatEndsIsCleanedUp (design 6): a table whose rows expire is one that cleanup knows, or whose rows go with
// those of another. A new one that nobody cleans up would grow for ever.
func TestEverythingThatEndsIsCleanedUp(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	rows, err := f.raw.QueryContext(t.Context(), `
		SELECT DISTINCT table_name FROM information_schema.columns
		WHERE table_schema = 'public' AND column_name IN ('expires_at', 'kept_until', 'tat')`)
	f.must(err)
	defer rows.Close()
	found := 0
	for rows.Next() {
		var table string
		f.must(rows.Scan(&table))
		found++
		if _, known := endingTables[table]; !known && table != "refresh_tokens" { // which go with their session
			t.Errorf("rows of %s expire, and nobody removes them", table)
		}
	}
	f.must(rows.Err())
	if found != len(endingTables)+1 {
		t.Errorf("%d tables whose rows expire, want %d", found, len(endingTables)+1)
	}
}

// TestSentCodeIsKeptForItsTries (C4): a code that has expired is not forgotten while its tries count, nor one that has not
// while they do not.
func TestSentCodeIsKeptForItsTries(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for id, ends := range map[string][2]time.Duration{"tries": {-time.Hour, time.Minute}, "code": {time.Minute, -time.Hour}, "none": {-time.Hour, -time.Minute}} {
		code := newSentCode(id)
		code.ExpiresAt, code.AttemptsUntil = now.Add(ends[0]), now.Add(ends[1])
		f.must(f.SentCodes().Issue(t.Context(), code, 5))
	}
	if n, err := f.DeleteExpired(t.Context(), now, 100); err != nil || n != 1 {
		t.Errorf("DeleteExpired = %d, %v; want 1", n, err)
	}
	if n := f.number("SELECT count(*) FROM sent_codes WHERE id <> 'none'"); n != 2 {
		t.Errorf("%d codes are kept, want the two that count in one way or the other", n)
	}
}

// TestDeleteExpiredRemovesOnlyWhatEnded: rows that ended before the given time go, rows that end at it or later stay, and
// so does everything that does not end. (Design 6: cleanup.)
func TestDeleteExpiredRemovesOnlyWhatEnded(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.ending("ended", now.Add(-time.Microsecond))
	f.ending("ending", now)
	f.ending("live", now.Add(time.Minute))
	f.must(insertFactor(t.Context(), f.Queries))
	for _, session := range []string{"ended", "live"} { // these go with their session
		token, pass := refreshToken(session), newFastpass("of "+session, session)
		token.SessionID, pass.ExpiresAt = session, now.Add(time.Hour)
		f.must(f.Sessions().InsertRefreshToken(t.Context(), token))
		f.must(f.Fastpasses().Insert(t.Context(), pass))
	}
	n, err := f.DeleteExpired(t.Context(), now, 100)
	if err != nil || n != int64(len(endingTables)) {
		t.Errorf("DeleteExpired = %d, %v; want a row of each of %d tables", n, err, len(endingTables))
	}
	for table, id := range endingTables {
		for row, want := range map[string]int{"ended": 0, "ending": 1, "live": 1} {
			if got := f.number("SELECT count(*) FROM "+table+" WHERE "+id+" = $1", row); got != want {
				t.Errorf("%s has %d rows %q, want %d", table, got, row, want)
			}
		}
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM users": 4, "SELECT count(*) FROM mfa_factors": 1, "SELECT count(*) FROM applications": 1,
		"SELECT count(*) FROM refresh_tokens WHERE session_id = 'ended'": 0, "SELECT count(*) FROM refresh_tokens": 1,
		"SELECT count(*) FROM fastpasses WHERE session_id = 'ended'": 0, "SELECT count(*) FROM sessions WHERE id = 'alice-web'": 1,
	} {
		if got := f.number(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if n, err := f.DeleteExpired(t.Context(), now, 100); n != 0 || err != nil {
		t.Errorf("a second time: %d, %v", n, err)
	}
}

// TestWaitingMessagesAreNotRemoved: a message that nobody has delivered is given up first, which leaves a trace in the audit
// log, and removed after that.
func TestWaitingMessagesAreNotRemoved(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	m, later := newOutboxMessage("message"), now.Add(30*time.Minute)
	f.must(f.Outbox().Insert(t.Context(), m))
	if n, err := f.DeleteExpired(t.Context(), later, 100); n != 0 || err != nil {
		t.Errorf("while it waits: %d, %v", n, err)
	}
	f.must(f.Outbox().Settle(t.Context(), m, db.OutboxExpired, later))
	if n, err := f.DeleteExpired(t.Context(), later, 100); n != 1 || err != nil {
		t.Errorf("after it was given up: %d, %v; want 1", n, err)
	}
}

// TestDeleteExpiredRespectsTheBatch: a backlog is removed oldest first, in small transactions that lock little.
func TestDeleteExpiredRespectsTheBatch(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	const rows, batch = 5, 2
	for i := range rows {
		f.ending(fmt.Sprint(i), now.Add(time.Duration(i-rows)*time.Second))
	}
	for left := rows; left > 0; {
		removed := min(left, batch)
		n, err := f.DeleteExpired(t.Context(), now, batch)
		left -= removed
		if err != nil || n != int64(removed*len(endingTables)) {
			t.Errorf("DeleteExpired = %d, %v; want %d of each of %d tables", n, err, removed, len(endingTables))
		}
		if oldest := f.number("SELECT coalesce(min(id::int), $1) FROM captchas", rows); oldest != rows-left {
			t.Errorf("the oldest row left is %d, want %d", oldest, rows-left)
		}
	}
}

// TestDeleteExpiredTogether: replicas that clean up at the same time neither deadlock nor count a row twice, and do not
// wait for each other.
func TestDeleteExpiredTogether(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	const rows = 400
	for table, insert := range map[string]string{
		"sessions (userpool_id, id, user_id, app_id, scope, amr, ip, user_agent, created_at, expires_at, auth_time)": "SELECT $1, 's' || n, $2, " +
			"'app', '', '{}'::text[], '', '', $3::timestamptz, $3, $3 FROM generate_series(1, $4) n",
		"captchas": "SELECT $1, n::text, $2, '', '', '\\x00'::bytea, $3::timestamptz, $3 FROM generate_series(1, $4) n",
	} {
		f.execute("INSERT INTO "+table+" "+insert, poolID, userID, now.Add(-time.Hour), rows)
	}
	f.execute(`
		INSERT INTO fastpasses SELECT $1, n::text, '\x00', $2, 's' || n, '', '{}', '{}', $3::timestamptz, $3
		FROM generate_series(1, $4) n`, poolID, userID, now.Add(-time.Hour), rows)

	ctx, totals := soon(t), make([]int64, 4)
	for _, err := range together(len(totals), func(i int) error {
		for {
			n, err := f.DeleteExpired(ctx, now, 7)
			if totals[i] += n; n == 0 || err != nil {
				return err
			}
		}
	}) {
		f.must(err)
	}
	var sum int64
	for _, n := range totals {
		sum += n
	}
	left := f.number("SELECT (SELECT count(*) FROM captchas) + (SELECT count(*) FROM fastpasses) + (SELECT count(*) FROM sessions)")
	// A fastpass may also go with its session, which is not counted.
	if left != 1 || sum < 2*rows || sum > 3*rows {
		t.Errorf("four replicas removed %d rows, %d are left; want %d to %d, and 1", sum, left, 2*rows, 3*rows)
	}

	f.must(f.Captchas().Insert(ctx, db.Captcha{UserpoolID: poolID, ID: "held", AnswerHash: []byte{1}, CreatedAt: now, ExpiresAt: now}))
	f.must(f.InTx(ctx, func(q db.Queries) error {
		if _, err := q.Captchas().Consume(ctx, poolID, "held"); err != nil {
			return err
		}
		if n, err := f.DeleteExpired(ctx, now.Add(time.Second), 7); n != 0 || err != nil {
			t.Errorf("while another holds the only row: %d, %v; want 0 without a wait", n, err)
		}
		return nil
	}))
}

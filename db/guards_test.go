package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

var guessing = db.Guessing{Free: 5, Wait: 30 * time.Second, MaxWait: time.Hour, Disabled: 100}

// guarded are all statements that may succeed a limited number of times only: once, unless wins says otherwise.
var guarded = []struct {
	name    string
	wins    int
	prepare func(ctx context.Context, q db.Queries) error
	use     func(ctx context.Context, q db.Queries) error
}{
	{
		name:    "LeaseToken of WeChat (Q10)",
		prepare: insertConnection,
		use: func(ctx context.Context, q db.Queries) error {
			return q.Wechat().LeaseToken(ctx, poolID, connectionID, 0, now.Add(time.Second), now)
		},
	},
	{
		name: "StoreToken of WeChat (Q10)",
		prepare: func(ctx context.Context, q db.Queries) error {
			return errors.Join(insertConnection(ctx, q), q.Wechat().LeaseToken(ctx, poolID, connectionID, 0, now.Add(time.Second), now))
		},
		use: func(ctx context.Context, q db.Queries) error {
			return q.Wechat().StoreToken(ctx, poolID, connectionID, 0, now.Add(time.Second), []byte("sealed"), now.Add(time.Hour))
		},
	},
	{
		name: "VoidToken of WeChat (Q10)",
		prepare: func(ctx context.Context, q db.Queries) error {
			return errors.Join(insertConnection(ctx, q), q.Wechat().LeaseToken(ctx, poolID, connectionID, 0, now.Add(time.Second), now))
		},
		use: func(ctx context.Context, q db.Queries) error {
			return q.Wechat().VoidToken(ctx, poolID, connectionID, 0)
		},
	},
	{
		name:    "ClaimEvent of WeChat (Q10)",
		prepare: func(context.Context, db.Queries) error { return nil },
		use: func(ctx context.Context, q db.Queries) error {
			return q.Wechat().ClaimEvent(ctx, poolID, connectionID, []byte("event"), now.Add(time.Second), now.Add(time.Hour), now)
		},
	},
	{
		name: "SettleEvent of WeChat (Q10)",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Wechat().ClaimEvent(ctx, poolID, connectionID, []byte("event"), now.Add(time.Second), now.Add(time.Hour), now)
		},
		use: func(ctx context.Context, q db.Queries) error {
			return q.Wechat().SettleEvent(ctx, poolID, connectionID, []byte("event"), "reply")
		},
	},
	{
		name: "TakeScan of WeChat (Q5)",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Wechat().PutScan(ctx, poolID, connectionID, "alice", db.WechatScan{Sealed: []byte{1}, ExpiresAt: now.Add(time.Second)})
		},
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.Wechat().TakeScan(ctx, poolID, connectionID, "alice", now)
			return err
		},
	},
	{
		name:    "SpendStep (T4)",
		prepare: insertFactor,
		use: func(ctx context.Context, q db.Queries) error {
			return q.MFA().SpendStep(ctx, poolID, "factor", 1000, 0, now)
		},
	},
	{
		name: "ChargeAttempts (T5)", wins: 5,
		prepare: insertFactor,
		use: func(ctx context.Context, q db.Queries) error {
			charged, err := q.MFA().ChargeAttempts(ctx, poolID, userID, guessing, now)
			if err == nil && len(charged) == 0 {
				err = db.ErrNotFound
			}
			return err
		},
	},
	{
		name: "ChargePending (T11)", wins: 5,
		prepare: keepPending,
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.MFA().ChargePending(ctx, poolID, userID, sessionID, nil, 5, now)
			return err
		},
	},
	{
		name:    "ConsumePending (T11)",
		prepare: keepPending,
		use: func(ctx context.Context, q db.Queries) error {
			return q.MFA().ConsumePending(ctx, poolID, userID, "sealed")
		},
	},
	{
		name: "ChargePending with a token (T11)", wins: 5,
		prepare: putPending,
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.MFA().ChargePending(ctx, poolID, userID, sessionID, []byte("token"), 5, now)
			return err
		},
	},
	{
		name:    "DeleteFactor",
		prepare: insertFactor,
		use: func(ctx context.Context, q db.Queries) error {
			return q.MFA().DeleteFactor(ctx, poolID, userID, "factor")
		},
	},
	{
		name: "Spend of a recovery code (T14)",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Recovery().Add(ctx, poolID, userID, [][]byte{[]byte("one"), []byte("two")}, nil, now)
		},
		use: func(ctx context.Context, q db.Queries) error {
			return q.Recovery().Spend(ctx, poolID, userID, []byte("one"), now)
		},
	},
	{
		name: "FinishPending of a sign-in",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Sessions().InsertPending(ctx, newPendingSignIn("token", userID))
		},
		use: func(ctx context.Context, q db.Queries) error {
			return q.Sessions().FinishPending(ctx, poolID, []byte("token"), now)
		},
	},
	{
		name: "SpendRefreshToken",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Sessions().InsertRefreshToken(ctx, refreshToken("token"))
		},
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.Sessions().SpendRefreshToken(ctx, []byte("token"), "", now)
			return err
		},
	},
	{
		name: "Consume of a captcha (C4)",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Captchas().Insert(ctx, db.Captcha{UserpoolID: poolID, ID: "1", AnswerHash: []byte{1}, CreatedAt: now, ExpiresAt: now})
		},
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.Captchas().Consume(ctx, poolID, "1")
			return err
		},
	},
	{
		name:    "UseNonce",
		prepare: func(context.Context, db.Queries) error { return nil },
		use: func(ctx context.Context, q db.Queries) error {
			return q.Tenancy().UseNonce(ctx, poolID, "key", "nonce", now.Add(time.Minute))
		},
	},
	{
		name:    "Scan (Q3)",
		prepare: func(ctx context.Context, q db.Queries) error { return qrIn(ctx, q, "qr", db.QRPending) },
		use: func(ctx context.Context, q db.Queries) error {
			return q.QRLogins().Scan(ctx, poolID, "qr", scanBy(userID, sessionID), now)
		},
	},
	{
		name:    "Confirm and Cancel (Q3)",
		prepare: func(ctx context.Context, q db.Queries) error { return qrIn(ctx, q, "qr", db.QRScanned) },
		use: func(ctx context.Context, q db.Queries) error {
			err := q.QRLogins().Cancel(ctx, poolID, "qr", pinOf(sessionID), now)
			if errors.Is(err, db.ErrNotFound) {
				_, err = q.QRLogins().Confirm(ctx, poolID, "qr", confirmBy(userID, sessionID, now), now)
			}
			return err
		},
	},
	{
		name:    "ConsumeTicket (Q4)",
		prepare: func(ctx context.Context, q db.Queries) error { return qrIn(ctx, q, "qr", db.QRAuthorized) },
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.QRLogins().ConsumeTicket(ctx, []byte("ticket qr"), appID, "opened", now)
			return err
		},
	},
	{
		name: "Redeem (Q7)",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Fastpasses().Insert(ctx, newFastpass("pass", sessionID))
		},
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.Fastpasses().Redeem(ctx, poolID, []byte("pass"), now)
			return err
		},
	},
	{
		name: "Charge of a code that was sent (C4)", wins: 5,
		prepare: issueCode,
		use: func(ctx context.Context, q db.Queries) error {
			_, err := q.SentCodes().Charge(ctx, newSentCode("code").SentCodeKey, "code", 5, now)
			return err
		},
	},
	{
		name:    "Spend of a code that was sent (C4)",
		prepare: issueCode,
		use: func(ctx context.Context, q db.Queries) error {
			return q.SentCodes().Spend(ctx, newSentCode("code").SentCodeKey, "code")
		},
	},
	{
		name: "TakeOf a quota (C7)", wins: 3,
		prepare: func(context.Context, db.Queries) error { return nil },
		use: func(ctx context.Context, q db.Queries) error {
			return q.Limits().TakeOf(ctx, db.Quota{UserpoolID: poolID, Key: "key", Most: 3, Period: time.Hour, Now: now})
		},
	},
	{
		name: "ClaimOverdue of a message",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Outbox().Insert(ctx, newOutboxMessage("message"))
		},
		use: func(ctx context.Context, q db.Queries) error {
			late := now.Add(time.Hour)
			claimed, err := q.Outbox().ClaimOverdue(ctx, 10, late, late.Add(time.Minute))
			if err == nil && len(claimed) == 0 {
				err = db.ErrNotFound
			}
			return err
		},
	},
	{
		name: "Spend of a budget (C7)", wins: 3,
		prepare: func(context.Context, db.Queries) error { return nil },
		use: func(ctx context.Context, q db.Queries) error {
			return q.Budgets().Spend(ctx, poolID, "all", 3, now)
		},
	},
	{
		name:    "RaiseAlert (C7)",
		prepare: func(context.Context, db.Queries) error { return nil },
		use: func(ctx context.Context, q db.Queries) error {
			return q.Budgets().RaiseAlert(ctx, poolID, "sms", now, now.Add(time.Hour))
		},
	},
	{
		name: "Claim of a message",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Outbox().Insert(ctx, newOutboxMessage("message"))
		},
		use: func(ctx context.Context, q db.Queries) error {
			claimed, err := q.Outbox().Claim(ctx, "email", 10, now, now.Add(time.Minute))
			if err == nil && len(claimed) == 0 {
				err = db.ErrNotFound
			}
			return err
		},
	},
	{
		name: "Settle of a message",
		prepare: func(ctx context.Context, q db.Queries) error {
			return q.Outbox().Insert(ctx, newOutboxMessage("message"))
		},
		use: func(ctx context.Context, q db.Queries) error {
			return q.Outbox().Settle(ctx, newOutboxMessage("message"), db.OutboxDelivered, now)
		},
	},
	{
		name:    "end of one's own session",
		prepare: func(context.Context, db.Queries) error { return nil },
		use: func(ctx context.Context, q db.Queries) error {
			return q.Sessions().RevokeOf(ctx, poolID, userID, sessionID, now)
		},
	},
	{
		name:    "end of a session",
		prepare: func(context.Context, db.Queries) error { return nil },
		use: func(ctx context.Context, q db.Queries) error {
			ended, err := q.Sessions().Revoke(ctx, poolID, sessionID, now)
			if err == nil && !ended {
				err = db.ErrNotFound
			}
			return err
		},
	},
}

// TestGuardedStatementsWinOnce (design 6): of parallel requests exactly as many win as may, the others are told
// ErrNotFound, and so is everybody who comes later.
func TestGuardedStatementsWinOnce(t *testing.T) {
	t.Parallel()
	for _, g := range guarded {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			f, won := furnished(t), 0
			f.must(g.prepare(t.Context(), f.Queries))
			for _, err := range append(
				together(32, func(int) error { return g.use(t.Context(), f.Queries) }),
				g.use(t.Context(), f.Queries)) {
				switch {
				case err == nil:
					won++
				case !errors.Is(err, db.ErrNotFound):
					t.Errorf("a loser was told %v, want ErrNotFound", err)
				}
			}
			if won != max(g.wins, 1) {
				t.Errorf("%d won, want %d", won, max(g.wins, 1))
			}
		})
	}
}

// TestGuardedStatementsInTransactions (design 6): what was used up in a transaction that failed is not used up.
func TestGuardedStatementsInTransactions(t *testing.T) {
	t.Parallel()
	errFailed := errors.New("the effect failed")
	for _, g := range guarded {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			f := furnished(t)
			f.must(g.prepare(t.Context(), f.Queries))
			err := f.InTx(t.Context(), func(q db.Queries) error {
				f.must(g.use(t.Context(), q))
				return errFailed
			})
			if !errors.Is(err, errFailed) {
				t.Errorf("InTx = %v", err)
			}
			if err := g.use(t.Context(), f.Queries); err != nil {
				t.Errorf("after the rollback: %v", err)
			}
		})
	}
}

func issueCode(ctx context.Context, q db.Queries) error {
	return q.SentCodes().Issue(ctx, newSentCode("code"), 5)
}

func newSentCode(id string) db.SentCode {
	return db.SentCode{
		SentCodeKey: db.SentCodeKey{UserpoolID: poolID, Channel: "email", Use: "login", AccountHash: []byte("account " + id)},
		ID:          id, AnswerHash: []byte("answer " + id), CreatedAt: now, ExpiresAt: now.Add(5 * time.Minute),
		AttemptsUntil: now.Add(10 * time.Minute),
	}
}

func newOutboxMessage(id string) db.OutboxMessage {
	return db.OutboxMessage{
		UserpoolID: poolID, ID: id, Channel: "email", Template: "code", MessageSealed: []byte("sealed " + id), CreatedAt: now,
		ExpiresAt: now.Add(5 * time.Minute),
	}
}

func insertFactor(ctx context.Context, q db.Queries) error {
	return q.MFA().InsertFactor(ctx, newFactor("factor", userID, "phone"))
}

func newFactor(id, user, name string) db.Factor {
	return db.Factor{
		UserpoolID: poolID, ID: id, UserID: user, Name: name, SecretSealed: []byte("sealed"), Algorithm: "SHA1", Digits: 6,
		Period: 30, LastStep: 999, CreatedAt: now,
	}
}

func keepPending(ctx context.Context, q db.Queries) error {
	err := q.MFA().PutPending(ctx, pending(sessionID, "sealed"))
	return err
}

func pending(session, sealed string) db.PendingFactor {
	return db.PendingFactor{
		UserpoolID: poolID, UserID: userID, ID: sealed, SessionID: session, SecretSealed: []byte(sealed), Algorithm: "SHA1",
		Digits: 6, Period: 30, ExpiresAt: now.Add(10 * time.Minute),
	}
}

// putPending keeps a secret that the token "token" confirms.
func putPending(ctx context.Context, q db.Queries) error {
	p := pending(sessionID, "sealed")
	p.TokenHash = []byte("token")
	return q.MFA().PutPending(ctx, p)
}

func newPendingSignIn(token, user string) db.PendingSignIn {
	return db.PendingSignIn{
		UserpoolID: poolID, TokenHash: []byte(token), UserID: user, AppID: appID, Scope: "openid", AMR: []string{"pwd"},
		CustomData: db.JSON(`{"from":"web"}`), ExpiresAt: now.Add(5 * time.Minute),
	}
}

func refreshToken(token string) db.RefreshToken {
	return db.RefreshToken{
		UserpoolID: poolID, TokenHash: []byte(token), SessionID: sessionID, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

func newFastpass(code, session string) db.Fastpass {
	return db.Fastpass{
		UserpoolID: poolID, ID: code, CodeHash: []byte(code), UserID: userID, SessionID: session, Scope: "openid",
		CustomData: db.JSON(`{"from":"web"}`), CreatedAt: now, ExpiresAt: now.Add(time.Minute),
	}
}

// qrIn makes a QR code that is in a state, by way of the statements that lead there. It expires in two minutes, its
// ticket in one.
func qrIn(ctx context.Context, q db.Queries, id, state string) error {
	qr := q.QRLogins()
	err := qr.Insert(ctx, db.QRLogin{
		UserpoolID: poolID, ID: id, AppID: appID, Type: db.QRMobileApp, ScanHash: []byte("scan " + id), PollHash: []byte("poll " + id),
		TicketHash: []byte("ticket " + id), CreatedAt: now, ExpiresAt: now.Add(2 * time.Minute),
	})
	if err == nil && state != db.QRPending {
		err = qr.Scan(ctx, poolID, id, scanBy(userID, sessionID), now)
	}
	switch {
	case err == nil && state == db.QRAuthorized:
		_, err = qr.Confirm(ctx, poolID, id, confirmBy(userID, sessionID, now), now)
	case err == nil && state == db.QRCancelled:
		err = qr.Cancel(ctx, poolID, id, pinOf(sessionID), now)
	}
	return err
}

func pinOf(session string) db.QRPin { return db.QRPin{SessionID: &session} }

func scanBy(user, session string) db.QRScan { return db.QRScan{Pin: pinOf(session), UserID: &user} }

func confirmBy(user, session string, at time.Time) db.QRConfirmation {
	return db.QRConfirmation{Pin: pinOf(session), UserID: user, TicketExpiresAt: at.Add(time.Minute)}
}

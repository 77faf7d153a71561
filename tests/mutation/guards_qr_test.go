package mutation

// qrGuards are those of QR login, fastpass and WeChat.
var qrGuards = []guard{
	{
		name: "Q1 a phone cannot poll with what it has scanned", file: "impl/qrlogin/status.go",
		text: `if errors.Is(err, db.ErrNotFound) {
		err = ErrUnknown`, instead: `if errors.Is(err, db.ErrNotFound) {
		if l, err = s.store.QRLogins().ByScanHash(ctx, s.scanHash(pollID)); err == nil {
			return l, nil
		}
		err = ErrUnknown`,
		red: "TestThreeSecrets",
	},
	{
		name: "Q2 a QR code ends", file: "db/qrlogin.go",
		text: "AND expires_at > $8`", instead: "AND $8::timestamptz IS NOT NULL`",
		red: "TestQRLoginEdges",
	},
	{
		name: "Q2 a ticket ends", file: "db/qrlogin.go",
		text: ` AND l.ticket_expires_at > $3`,
		red:  "TestConsumeTicket",
	},
	{
		name: "Q3 one phone scans", file: "db/qrlogin.go",
		text: `state = 'PENDING'`, instead: `state <> ''`,
		red: "TestQRLoginEdges",
	},
	{
		name: "Q3 who has scanned confirms", file: "db/qrlogin.go",
		text: `AND session_id IS NOT DISTINCT FROM $3 AND person_hash IS NOT DISTINCT FROM $4
		RETURNING state`, instead: `AND ($3::text IS NULL OR $4::bytea IS NULL)
		RETURNING state`,
		red: "TestQRLoginEdges",
	},
	{
		name: "Q4 a ticket is used once", file: "db/qrlogin.go",
		text: ` AND l.consumed_at IS NULL`,
		red:  "TestGuardedStatementsWinOnce/ConsumeTicket", always: true,
	},
	{
		name: "Q4 a ticket is its application's", file: "db/qrlogin.go",
		text: ` AND l.app_id = $2`, instead: ` AND $2 <> ''`,
		red: "TestConsumeTicket",
	},
	{
		name: "Q4 a ticket dies with the session that confirmed", file: "db/qrlogin.go",
		text: ` AND s.id = l.session_id AND s.revoked_at IS NULL`, instead: ` AND s.id = l.session_id`,
		red: "TestConsumeTicket",
	},
	{
		name: "Q4 a second use ends the session of the first", file: "impl/qrlogin/exchange.go",
		text: `ended, err := s.accounts.Revoke(ctx, q, l.UserpoolID, *l.OpenedSessionID)`, instead: `ended, err := true, error(nil)`,
		red: "TestTicketReuse",
	},
	{
		name: "Q5 a wrong number cancels", file: "db/qrlogin.go",
		text: `state = CASE WHEN coalesce(match_number, $6) = $6 THEN 'AUTHORIZED' ELSE 'CANCELLED' END,`, instead: `state = 'AUTHORIZED',`,
		red: "TestWrongNumberCancels", in: "impl/qrlogin",
	},
	{
		name: "Q6 there is no ticket before the confirmation", file: "impl/qrlogin/status.go",
		text: `if status.State == db.QRAuthorized && l.ConsumedAt == nil {`, instead: `if l.ConsumedAt == nil {`,
		red: "TestStatusTellsLittle",
	},
	{
		name: "Q7 a fastpass is used once", file: "db/fastpass.go",
		text: ` AND f.redeemed_at IS NULL`,
		red:  "TestGuardedStatementsWinOnce/Redeem",
	},
	{
		name: "Q7 a fastpass ends", file: "db/fastpass.go",
		text: ` AND f.expires_at > $3`,
		red:  "TestRedeemFastpass",
	},
	{
		name: "Q7 a fastpass dies with its session", file: "db/fastpass.go",
		text: ` AND s.id = f.session_id AND s.revoked_at IS NULL`, instead: ` AND s.id = f.session_id`,
		red: "TestRedeemFastpass",
	},
	{
		name: "Q7 a fastpass is of its userpool", file: "db/fastpass.go",
		text: `WHERE f.userpool_id = $1 AND f.code_hash`, instead: `WHERE $1 <> '' AND f.code_hash`,
		red: "TestRedeemFastpass",
	},
	{
		name: "Q10 a push is signed", file: "impl/wechat/push.go",
		text: `if !signed(p.Signature, from.token, p.Timestamp, p.Nonce) {`, instead: `if false {`,
		red: "TestForgedPushes",
	},
	{
		name: "Q10 an encrypted message is signed", file: "impl/wechat/push.go",
		text: `if !signed(p.MsgSignature, from.token, p.Timestamp, p.Nonce, m.Encrypt) {`, instead: `if false {`,
		red: "TestForgedPushes",
	},
	{
		name: "Q10 a push is near its time", file: "impl/wechat/push.go",
		text: ` || from.at.Sub(s.clock.Now()).Abs() > pushSkew`, instead: ` || pushSkew == 0`,
		red: "TestForgedPushes",
	},
	{
		name: "Q10 a nonce comes with one message", file: "db/wechat.go",
		text: `
		WHERE n.event_hash = EXCLUDED.event_hash`,
		red: "TestSignatureIsGoodForItsMessageOnly", in: "impl/wechat",
	},
	{
		name: "Q10 an event takes effect once", file: "db/wechat.go",
		text: `WHERE NOT e.settled AND e.claimed_until <= $6`, instead: `WHERE $6::timestamptz IS NOT NULL`,
		red: "TestEventIsClaimed",
	},
	{
		name: "Q10 XML has no DOCTYPE", file: "impl/wechat/message.go",
		text: `default: // comments and directives, of which DOCTYPE is one
			return nil, errXML`,
		red: "TestXMLIsBounded",
	},
}

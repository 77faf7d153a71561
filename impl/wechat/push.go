package wechat

import (
	"context"
	"crypto/hmac"
	"encoding/xml"
	"errors"
	"strconv"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

const (
	// pushSkew is how far the timestamp of a push may be off (Q10).
	pushSkew = 5 * time.Minute
	// eventFor is how long an event is remembered; a signature is good for ten minutes at most.
	eventFor = time.Hour
)

// Signed is what comes along with a push, and proves that it is of WeChat.
type Signed struct {
	Signature, Timestamp, Nonce string
	Encrypted                   bool
	MsgSignature                string // of what is encrypted
}

// pusher is the official account that a push is for.
type pusher struct {
	db.Connection
	token string
	key   []byte    // nil where messages are not encrypted
	at    time.Time // when the push was made
}

// Handshake tells whether a push URL was entered at the right account: the signature is right.
func (s *Service) Handshake(ctx context.Context, connectionID string, p Signed) error {
	from, err := s.pusher(ctx, connectionID, p)
	if err != nil {
		return err
	}
	return s.useNonce(ctx, from, p, []byte("handshake"))
}

// useNonce ties a signature to the body it came with. The plain signature does not cover that: whoever reads one query string in
// the log of a proxy could send any other message with it. That of an encrypted message does, and such a one is sealed anew
// when it is sent again.
func (s *Service) useNonce(ctx context.Context, from pusher, p Signed, body []byte) error {
	signature, sent := s.ring.MAC("wechat_nonces", p.Timestamp, p.Nonce), s.ring.MAC("wechat_pushes", string(body))
	err := s.store.Wechat().UseNonce(ctx, from.UserpoolID, from.ID, signature, sent, from.at.Add(2*pushSkew))
	if errors.Is(err, db.ErrNotFound) {
		err = ErrSignature.WithDetail("nonce")
	}
	return err
}

// pusher finds the official account, if the signature is right and near its time. A connection that there is not is
// ErrSignature like everything else.
func (s *Service) pusher(ctx context.Context, connectionID string, p Signed) (from pusher, err error) {
	from.Connection, err = s.connection(ctx, db.WechatOfficialAccount, connectionID)
	if err == nil {
		from.token, err = s.secret(ctx, from.Connection, db.ConnectionPushToken)
	}
	if errors.Is(err, ErrConnection) || errors.Is(err, db.ErrNotFound) {
		return from, ErrSignature
	}
	if err != nil {
		return from, err
	}
	if !signed(p.Signature, from.token, p.Timestamp, p.Nonce) {
		return from, ErrSignature
	}
	seconds, err := strconv.ParseInt(p.Timestamp, 10, 64)
	from.at = time.Unix(seconds, 0)
	if err != nil || from.at.Sub(s.clock.Now()).Abs() > pushSkew {
		return from, ErrSignature.WithDetail("timestamp")
	}
	text, err := s.secret(ctx, from.Connection, db.ConnectionAESKey)
	if errors.Is(err, db.ErrNotFound) {
		return from, nil
	}
	if err == nil {
		from.key, err = parseAESKey(text)
	}
	return from, err
}

// Push takes what WeChat pushes, and returns the XML of a reply to the person; nil for none. An error of any kind but a
// refusal asks WeChat to try again. It returns before WeChat gives up waiting.
func (s *Service) Push(ctx context.Context, connectionID string, p Signed, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.waits.push)
	defer cancel()
	from, err := s.pusher(ctx, connectionID, p)
	if err != nil {
		return nil, err
	}
	if from.key == nil { // before it is looked at: what is refused would leave a signature that fits another body
		if err := s.useNonce(ctx, from, p, body); err != nil {
			return nil, err
		}
	}
	m, err := from.read(p, body)
	if err != nil {
		return nil, err
	}
	if from.key != nil {
		if err := s.useNonce(ctx, from, p, []byte(m.identity())); err != nil {
			return nil, err
		}
	}
	text, err := s.handle(ctx, from, m)
	if err != nil || text == "" {
		return nil, err
	}
	return from.reply(m, text, s.clock.Now())
}

// read opens and parses a message. Where messages are encrypted, the only signature that covers a body is that of an
// encrypted one, so no other counts.
func (from pusher) read(p Signed, body []byte) (message, error) {
	if p.Encrypted != (from.key != nil) {
		return message{}, ErrSignature.WithDetail("encrypt_type")
	}
	m, err := parseMessage(body)
	if err != nil {
		return m, ErrMessage.WithCause(err)
	}
	if p.Encrypted {
		if !signed(p.MsgSignature, from.token, p.Timestamp, p.Nonce, m.Encrypt) {
			return message{}, ErrSignature.WithDetail("msg_signature")
		}
		plain, appID, err := decrypt(from.key, m.Encrypt)
		if err != nil {
			return message{}, ErrMessage.WithCause(err)
		}
		if !hmac.Equal([]byte(appID), []byte(from.WechatAppID)) {
			return message{}, ErrSignature.WithDetail("appid")
		}
		if m, err = parseMessage(plain); err != nil {
			return m, ErrMessage.WithCause(err)
		}
	}
	if _, err := strconv.ParseInt(m.CreateTime, 10, 64); err != nil || !isID(m.From) || !isID(m.To) || m.Type == "" {
		return m, ErrMessage
	}
	return m, nil
}

// reply writes a text for the person, encrypted if the message was.
func (from pusher) reply(to message, text string, now time.Time) ([]byte, error) {
	plain, err := xml.Marshal(textReply{
		ToUserName: cdata{to.From}, FromUserName: cdata{to.To}, CreateTime: now.Unix(), MsgType: cdata{"text"},
		Content: cdata{printable(text)},
	})
	if err != nil || from.key == nil {
		return plain, err
	}
	sealed, err := encrypt(from.key, secret.Bytes(randomSize), plain, from.WechatAppID)
	if err != nil {
		return nil, err
	}
	at, nonce := strconv.FormatInt(now.Unix(), 10), secret.Digits(10)
	return xml.Marshal(encryptedReply{
		Encrypt: cdata{sealed}, MsgSignature: cdata{signature(from.token, at, nonce, sealed)}, TimeStamp: at, Nonce: cdata{nonce},
	})
}

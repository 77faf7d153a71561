package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// maxScene is how long a scene can be at an official account, in characters; ours are shorter.
const maxScene = 64

// handle lets a message take effect once, and returns what the person is told; "" for nothing.
func (s *Service) handle(ctx context.Context, from pusher, m message) (string, error) {
	effect := s.effect(from, m)
	if effect == nil {
		return "", nil
	}
	event := s.ring.MAC("wechat_events", m.identity())
	return s.once(ctx, from.Connection, event, effect)
}

// identity is what makes a message the same one, however often and however sealed it is sent.
func (m message) identity() string {
	return strings.Join([]string{m.From, m.CreateTime, m.Type, m.Event, m.EventKey, m.Content, m.ID, m.To}, "\x00")
}

// effect is what a message does; nil for nothing.
func (s *Service) effect(from pusher, m message) func(context.Context) (string, error) {
	scan := func(scene string) func(context.Context) (string, error) {
		if scene == "" || len(scene) > maxScene {
			return nil
		}
		return func(ctx context.Context) (string, error) { return s.scan(ctx, from.Connection, m.From, scene) }
	}
	switch {
	case m.Type == "event" && m.Event == "SCAN":
		return scan(m.EventKey)
	case m.Type == "event" && m.Event == "subscribe": // who did not follow the account before
		scene, _ := strings.CutPrefix(m.EventKey, "qrscene_")
		if scene == m.EventKey {
			return nil
		}
		return scan(scene)
	case m.Type == "text":
		number, ok := chosen(m.Content)
		if !ok {
			return nil
		}
		return func(ctx context.Context) (string, error) { return s.decide(ctx, from.Connection, m.From, number) }
	}
	return nil
}

// What a person may answer about a scan besides the two digits that the page shows.
const (
	answerNo  = 0
	answerYes = 1
)

var choice = regexp.MustCompile(`^([01]|[1-9][0-9])$`)

// chosen reads an answer.
func chosen(text string) (number int, ok bool) {
	text = strings.TrimSpace(text)
	if !choice.MatchString(text) {
		return 0, false
	}
	number, err := strconv.Atoi(text)
	return number, err == nil
}

// once runs an effect, unless it has run before: then what was told is told again. An effect that fails may be tried again
// at once; WeChat does so three times.
func (s *Service) once(ctx context.Context, c db.Connection, event []byte, effect func(context.Context) (string, error)) (string, error) {
	now := s.clock.Now()
	until := now.Add(s.waits.push + s.waits.settle) // longer than anybody works on it
	err := s.store.Wechat().ClaimEvent(ctx, c.UserpoolID, c.ID, event, until, now.Add(eventFor), now)
	if errors.Is(err, db.ErrNotFound) {
		known, err := s.store.Wechat().Event(ctx, c.UserpoolID, c.ID, event)
		if err == nil && !known.Settled {
			err = ErrAgain
		}
		return known.Reply, err
	}
	if err != nil {
		return "", err
	}
	text, err := effect(ctx)
	if refused, ok := isRefusal(err); ok {
		text, err = told(c, refused), nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.waits.settle)
	defer cancel()
	if err != nil {
		_ = s.store.Wechat().ReleaseEvent(last, c.UserpoolID, c.ID, event, until) // it ends by itself, a little later
		return "", err
	}
	if err := s.store.Wechat().SettleEvent(last, c.UserpoolID, c.ID, event, text); err != nil {
		s.log.WarnContext(ctx, "an event of WeChat has taken effect, which could not be noted", "connection", c.ID, "reason", err.Error())
	}
	return text, nil
}

// isRefusal tells whether an error settles an event: it will be the same if WeChat tries again.
func isRefusal(err error) (*apierr.Error, bool) {
	var refusal *apierr.Error
	if !errors.As(err, &refusal) || refusal.Kind == apierr.Internal || refusal.Kind == apierr.Unavailable {
		return nil, false
	}
	return refusal, true
}

// told is what the person is told of a refusal. A scene that is none of ours is somebody else's business.
func told(c db.Connection, refusal *apierr.Error) string {
	if refusal.Kind == apierr.NotFound {
		return ""
	}
	return refusal.Message(language(c))
}

// openScan is a scan that its person has to decide about.
type openScan struct {
	Scene   string `json:"scene"`
	UnionID string `json:"unionId"`
	Partial bool   `json:"partial,omitempty"`
	Numbers bool   `json:"numbers,omitempty"` // whether the page shows one
	AppName string `json:"appName"`
}

func scanAAD(c db.Connection, openID string) []string {
	return []string{"wechat_scans", c.UserpoolID, c.ID, openID}
}

// scan is that somebody has scanned a code. Scanning is confirming only where the operator wants it so: the person cannot have
// seen who asks (Q5), and a poster may have been covered by somebody's own code.
func (s *Service) scan(ctx context.Context, c db.Connection, openID, scene string) (string, error) {
	p := s.personOf(ctx, c, openID)
	details, err := s.logins.WechatScan(ctx, c.ID, scene, p)
	if err != nil {
		return "", err
	}
	if c.OneTap && len(details.Numbers) == 0 {
		if err := s.logins.WechatConfirm(ctx, c.ID, scene, p, 0); err != nil {
			return "", err
		}
		return textConfirmedAt(language(c), details), nil
	}
	open, err := json.Marshal(openScan{scene, p.UnionID, p.Partial, len(details.Numbers) > 0, details.AppName})
	if err != nil {
		return "", err
	}
	sealed := s.ring.Seal(open, scanAAD(c, openID)...)
	err = s.store.Wechat().PutScan(ctx, c.UserpoolID, c.ID, openID, db.WechatScan{Sealed: sealed, ExpiresAt: details.ExpiresAt})
	return textAsk(language(c), details), err
}

// personOf is somebody at the official account, with the id that they have at all programs of its owner if that can be had.
func (s *Service) personOf(ctx context.Context, c db.Connection, openID string) wechatid.Person {
	ctx, cancel := context.WithTimeout(ctx, s.waits.union)
	defer cancel()
	id, err := withToken(ctx, s, c, func(token string) (string, error) { return s.client.UnionID(ctx, token, openID) })
	if err != nil {
		s.log.InfoContext(ctx, "no union id could be had", "connection", c.ID, "reason", err.Error())
	}
	return wechatid.Person{AppID: c.WechatAppID, OpenID: openID, UnionID: id, Partial: err != nil}
}

// decide is that a person has written an answer. The scan is used up before anybody looks at the number (Q5), and
// given back only if nobody could.
func (s *Service) decide(ctx context.Context, c db.Connection, openID string, number int) (string, error) {
	taken, err := s.store.Wechat().TakeScan(ctx, c.UserpoolID, c.ID, openID, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	plain, err := s.ring.Unseal(taken.Sealed, scanAAD(c, openID)...)
	if err != nil {
		return "", err
	}
	var open openScan
	if err := json.Unmarshal(plain, &open); err != nil {
		return "", err
	}
	p := wechatid.Person{AppID: c.WechatAppID, OpenID: openID, UnionID: open.UnionID, Partial: open.Partial}
	if p.Partial {
		p = s.personOf(ctx, c, openID)
	}
	text := textConfirmed(language(c), open.AppName)
	switch {
	case number == answerNo:
		text = textCancelled(language(c), open.AppName)
		err = s.logins.WechatCancel(ctx, c.ID, open.Scene, p)
	case open.Numbers && number != answerYes:
		err = s.logins.WechatConfirm(ctx, c.ID, open.Scene, p, number)
	case !open.Numbers && number == answerYes:
		err = s.logins.WechatConfirm(ctx, c.ID, open.Scene, p, 0)
	default: // an answer to the other kind of question
		return "", s.store.Wechat().ReturnScan(ctx, c.UserpoolID, c.ID, openID, taken)
	}
	if _, refused := isRefusal(err); err == nil || refused {
		return text, err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.waits.settle)
	defer cancel()
	return "", errors.Join(err, s.store.Wechat().ReturnScan(last, c.UserpoolID, c.ID, openID, taken))
}

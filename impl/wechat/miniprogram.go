package wechat

import (
	"context"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// person finds out who is using a mini program. WeChat takes a code of wx.login once.
func (s *Service) person(ctx context.Context, c db.Connection, code string) (wechatid.Person, error) {
	if err := s.limiter.Take(ctx, s.PerIP, c.UserpoolID, limit.IPKey(reqinfo.From(ctx).IP)); err != nil {
		return wechatid.Person{}, err
	}
	secret, err := s.secret(ctx, c, db.ConnectionAppSecret)
	if err != nil {
		return wechatid.Person{}, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return wechatid.Person{}, err
	}
	defer leave()
	p, err := s.client.Session(ctx, c.WechatAppID, secret, code)
	return p, refusal(err)
}

// Scan is that a mini program was opened with a scene, by who has the code of wx.login.
func (s *Service) Scan(ctx context.Context, c db.Connection, scene, code string) (wechatid.Details, error) {
	p, err := s.person(ctx, c, code)
	if err != nil {
		return wechatid.Details{}, err
	}
	return s.logins.WechatScan(ctx, c.ID, scene, p)
}

// Confirm lets the page in; number is the one that the person has chosen, 0 for none.
func (s *Service) Confirm(ctx context.Context, c db.Connection, scene, code string, number int) error {
	p, err := s.person(ctx, c, code)
	if err != nil {
		return err
	}
	return s.logins.WechatConfirm(ctx, c.ID, scene, p, number)
}

// Cancel turns the page away.
func (s *Service) Cancel(ctx context.Context, c db.Connection, scene, code string) error {
	p, err := s.person(ctx, c, code)
	if err != nil {
		return err
	}
	return s.logins.WechatCancel(ctx, c.ID, scene, p)
}

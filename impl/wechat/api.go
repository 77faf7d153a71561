package wechat

import (
	"bytes"
	"context"
	"io"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

// Applications finds the application that a request is about.
type Applications interface {
	Application(ctx context.Context, id string) (db.Application, error)
}

// API is the WeChat operations of the contract.
type API struct {
	service      *Service
	applications Applications
}

// NewAPI returns the WeChat operations of the contract.
func NewAPI(s *Service, a Applications) *API { return &API{s, a} }

// VerifyWechatPush answers WeChat, which wants to know whether the push URL is ours.
func (a *API) VerifyWechatPush(ctx context.Context, req gen.VerifyWechatPushRequestObject) (gen.VerifyWechatPushResponseObject, error) {
	p := req.Params
	err := a.service.Handshake(ctx, p.Connection, Signed{Signature: p.Signature, Timestamp: p.Timestamp, Nonce: p.Nonce})
	if err != nil {
		return nil, err
	}
	return gen.VerifyWechatPush200TextResponse(p.Echostr), nil
}

// success is what WeChat wants to hear where the person is told nothing.
const success = "success"

// SendWechatPush takes an event or a message.
func (a *API) SendWechatPush(ctx context.Context, req gen.SendWechatPushRequestObject) (gen.SendWechatPushResponseObject, error) {
	p := req.Params
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	reply, err := a.service.Push(ctx, p.Connection, Signed{
		Signature: p.Signature, Timestamp: p.Timestamp, Nonce: p.Nonce, MsgSignature: optional.Value(p.MsgSignature),
		Encrypted: optional.Value(p.EncryptType) == gen.SendWechatPushParamsEncryptTypeAes,
	}, body)
	if err != nil {
		return nil, err
	}
	if reply == nil {
		return gen.SendWechatPush200TextResponse(success), nil
	}
	return gen.SendWechatPush200TextXMLResponse{Body: bytes.NewReader(reply), ContentLength: int64(len(reply))}, nil
}

// SetWechatMiniprogramQRCodeStatus takes a step in a mini program.
func (a *API) SetWechatMiniprogramQRCodeStatus(
	ctx context.Context, req gen.SetWechatMiniprogramQRCodeStatusRequestObject,
) (gen.SetWechatMiniprogramQRCodeStatusResponseObject, error) {
	c, err := a.miniProgram(ctx, optional.Value(req.Params.XAuthingAppID), optional.Value(req.Body.Connection))
	if err != nil {
		return nil, err
	}
	data := &gen.QRCodeStepDto{Success: true}
	switch body := req.Body; body.Action {
	case gen.SetWechatMiniprogramQRCodeStatusDtoActionSCAN:
		var details wechatid.Details
		details, err = a.service.Scan(ctx, c, body.Scene, body.Code)
		data.Login = wire.QRCodeLogin(details)
	case gen.SetWechatMiniprogramQRCodeStatusDtoActionCONFIRM:
		err = a.service.Confirm(ctx, c, body.Scene, body.Code, optional.Value(body.Number))
	default:
		err = a.service.Cancel(ctx, c, body.Scene, body.Code)
	}
	if err != nil {
		return nil, err
	}
	return gen.SetWechatMiniprogramQRCodeStatus200JSONResponse{Data: data}, nil
}

// miniProgram is the connection with the id, whose application need not be named; without an id, the application's first.
func (a *API) miniProgram(ctx context.Context, appID, id string) (db.Connection, error) {
	if appID == "" && id != "" {
		return a.service.connection(ctx, db.WechatMiniprogram, id)
	}
	app, err := a.applications.Application(ctx, appID)
	if err != nil {
		return db.Connection{}, err
	}
	return a.service.Connection(ctx, app, db.WechatMiniprogram, id)
}

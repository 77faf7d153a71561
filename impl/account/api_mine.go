package account

import (
	"cmp"
	"context"
	"strings"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/device"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// ListMySessions returns where the user is signed in.
func (a *API) ListMySessions(ctx context.Context, _ gen.ListMySessionsRequestObject) (gen.ListMySessionsResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	sessions, err := a.service.Sessions(ctx, caller)
	list := make([]gen.MySessionDto, len(sessions))
	for i, s := range sessions {
		browser, os := device.Name(s.UserAgent)
		list[i] = gen.MySessionDto{
			SessionID: s.ID, Current: s.ID == caller.SessionID, AppID: s.AppID, AppName: s.AppName, AppLogo: s.AppLogo,
			Browser: browser, Os: os, IP: s.IP, MFA: s.MFAAt != nil, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt,
		}
	}
	return gen.ListMySessions200JSONResponse{Data: &gen.ListMySessionsDataDto{List: list}}, err
}

// RevokeMySession ends a session of the user.
func (a *API) RevokeMySession(ctx context.Context, req gen.RevokeMySessionRequestObject) (gen.RevokeMySessionResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	return gen.RevokeMySession200JSONResponse{}, a.service.RevokeOwn(ctx, caller, cmp.Or(optional.Value(req.Body.SessionID), caller.SessionID))
}

// actors are what the contract calls those who act, by what the audit log does before their ids.
var actors = map[string]gen.MyActivityDtoActor{
	"user": gen.MyActivityDtoActorUser, audit.Anonymous: gen.MyActivityDtoActorAnonymous, "key": gen.MyActivityDtoActorKey,
	"app": gen.MyActivityDtoActorApplication, "connection": gen.MyActivityDtoActorConnection,
	audit.Operator: gen.MyActivityDtoActorOperator, audit.System: gen.MyActivityDtoActorSystem,
}

// ListMyActivity returns what has happened to the user's account.
func (a *API) ListMyActivity(ctx context.Context, req gen.ListMyActivityRequestObject) (gen.ListMyActivityResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	events, err := a.service.Activity(ctx, caller, optional.Value(req.Params.Limit))
	list := make([]gen.MyActivityDto, len(events))
	for i, e := range events {
		kind, _, _ := strings.Cut(e.Actor, ":")
		list[i] = gen.MyActivityDto{
			Time: e.At, Action: e.Action, Outcome: gen.MyActivityDtoOutcome(e.Outcome), Actor: actors[kind],
		}
		if isPerson := kind == "user" || kind == audit.Anonymous; isPerson { // where the operator's machines are is no business of users
			list[i].IP = e.IP
		}
	}
	return gen.ListMyActivity200JSONResponse{Data: &gen.ListMyActivityDataDto{List: list}}, err
}

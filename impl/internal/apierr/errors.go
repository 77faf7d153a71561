package apierr

// What the gate answers before or instead of an operation.
var (
	ErrRequest = Define(Error{
		Kind: Invalid, Code: "request.invalid", Gate: true,
		EN: "The request does not match the contract.", ZH: "请求不符合接口约定。",
	})
	ErrRoute = Define(Error{
		Kind: NotFound, Code: "request.unknown_route", Gate: true,
		EN: "There is no such operation.", ZH: "没有这个接口。",
	})
	ErrMethod = Define(Error{
		Kind: MethodNotAllowed, Code: "request.method", Gate: true,
		EN: "The operation does not take this method.", ZH: "接口不支持该请求方法。",
	})
	ErrTooLarge = Define(Error{
		Kind: TooLarge, Code: "request.too_large", Gate: true,
		EN: "The request is too large.", ZH: "请求体过大。",
	})
	ErrMediaType = Define(Error{
		Kind: UnsupportedMedia, Code: "request.media_type", Gate: true,
		EN: "The operation does not take this content type.", ZH: "接口不支持该内容类型。",
	})
	ErrRateLimited = Define(Error{
		Kind: RateLimited, Code: "request.rate_limited", Gate: true,
		EN: "Too many requests; try again later.", ZH: "请求过于频繁，请稍后再试。",
	})
	ErrInternal = Define(Error{
		Kind: Internal, Code: "service.internal", Gate: true,
		EN: "The service failed to answer.", ZH: "服务内部错误。",
	})
	ErrUnavailable = Define(Error{
		Kind: Unavailable, Code: "service.unavailable", Gate: true,
		EN: "The service is not available right now; try again later.", ZH: "服务暂不可用，请稍后再试。",
	})
)

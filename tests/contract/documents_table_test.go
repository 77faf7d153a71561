package contract

// need tells when a field is there.
type need int

const (
	optional need = iota
	required
	onSuccess // required by a `not`, since a refusal has none
)

// field is what a document says about a parameter, a member of the body, or a member of the answer. Members below others
// are written with dots.
type field struct {
	in, name, typ string
	need          need
	enum          []string
	byDefault     any
	// differs says why we do not do what the document says. typ, need and enum above are then ours.
	differs string
}

// document is the operation of one published document.
type document struct {
	id           string
	method, path string
	operationID  string
	fields       []field
}

// statusEnvelope is what the three V3 documents say about every answer.
var statusEnvelope = []field{
	{in: "answer", name: "statusCode", typ: "number", need: required},
	{in: "answer", name: "message", typ: "string", need: required},
	{in: "answer", name: "apiCode", typ: "number"},
	{in: "answer", name: "requestId", typ: "string"},
	{in: "answer", name: "data", typ: "object", need: onSuccess},
}

// documents are the five that Menshen fulfils: names, types, requiredness, values and defaults as they are printed there.
var documents = []document{
	{
		id: "000", method: "GET", path: "/auth/mfa/qrcode", operationID: "getMFAQRCode",
		fields: []field{
			{in: "header", name: "Access-Token", typ: "string"},
			{in: "header", name: "Refresh-Token", typ: "string"},
			{in: "answer", name: "base", typ: "object", need: required},
			{in: "answer", name: "base.code", typ: "integer", need: required, enum: []string{"10000", "-1"}, differs: "any integer there; these two are all there are"},
			{in: "answer", name: "base.msg", typ: "string", need: required},
			{in: "answer", name: "data", typ: "object", need: onSuccess},
			{in: "answer", name: "data.secret", typ: "string", need: required},
			{in: "answer", name: "data.qrcode", typ: "string", need: required},
		},
	},
	{
		id: "001", method: "POST", path: "/api/v3/gene-fastpass-qrcode-info", operationID: "createFastpass",
		fields: append([]field{
			{in: "body", name: "options", typ: "object"},
			{in: "body", name: "options.scope", typ: "string"},
			{in: "body", name: "options.context", typ: "object"},
			{in: "body", name: "options.customData", typ: "object"},
			{in: "answer", name: "data.scene", typ: "string", need: required, enum: []string{"FASTPASS"}, differs: "any string there, with no value published"},
			{in: "answer", name: "data.qrcodeId", typ: "string", need: required},
			{in: "answer", name: "data.apiHost", typ: "string", need: required},
			{in: "answer", name: "data.user", typ: "object", need: required},
			{in: "answer", name: "data.user.id", typ: "string", need: required},
			{in: "answer", name: "data.user.displayName", typ: "string", need: required},
			{in: "answer", name: "data.user.photo", typ: "string", need: required},
			{in: "answer", name: "data.appId", typ: "string", need: required},
			{in: "answer", name: "data.userpool", typ: "object", need: required},
			{in: "answer", name: "data.userpool.id", typ: "string", need: required},
			{in: "answer", name: "data.userpool.displayName", typ: "string", need: required},
			{in: "answer", name: "data.userpool.photo", typ: "string", need: required},
		}, statusEnvelope...),
	},
	{
		id: "002", method: "GET", path: "/api/v3/get-otp-secret-by-user", operationID: "getOTPSecretByUser",
		fields: append([]field{
			{in: "query", name: "userId", typ: "string", need: required},
			{
				in: "query", name: "userIdType", typ: "string", byDefault: "user_id",
				enum: []string{"user_id", "phone", "email", "username", "external_id", "identity", "sync_relation"},
			},
			{in: "answer", name: "data.secret", typ: "string", need: required},
		}, statusEnvelope...),
	},
	{
		id: "003", method: "POST", path: "/api/v3/gene-qrcode", operationID: "createQRCode",
		fields: append([]field{
			{in: "header", name: "x-authing-app-id", typ: "string", differs: "the SDKs' way to name an application; the document does not list it"},
			{in: "header", name: "x-authing-userpool-id", typ: "string", differs: "the SDKs' way to name a userpool; without an application it means the default one there"},
			{
				in: "body", name: "type", typ: "string", need: required,
				enum:    []string{"MOBILE_APP", "WECHAT_MINIPROGRAM", "WECHAT_OFFICIAL_ACCOUNT", "WECHAT_OFFICIAL_ACCOUN"},
				differs: "the description misspells the third value; both spellings are taken",
			},
			{in: "body", name: "extIdpConnId", typ: "string"},
			{in: "body", name: "customData", typ: "object"},
			{in: "body", name: "context", typ: "object"},
			{in: "body", name: "autoMergeQrCode", typ: "boolean", byDefault: false},
			{in: "answer", name: "data.qrcodeId", typ: "string", need: required},
			{in: "answer", name: "data.url", typ: "string", need: required},
			{in: "answer", name: "data.customLogoUrl", typ: "string"},
			{in: "answer", name: "data.expiresIn", typ: "integer", differs: "ours: the page need not guess when to ask for a new one"},
			{in: "answer", name: "data.interval", typ: "integer", differs: "ours: how often to poll (RFC 8628 section 3.2)"},
		}, statusEnvelope...),
	},
	{
		id: "004", method: "POST", path: "/api/v1/system/user/captcha", operationID: "createCaptcha",
		fields: []field{
			{in: "header", name: "iThings-token", typ: "string"},
			{in: "header", name: "iThings-project-id", typ: "string"},
			{in: "header", name: "iThings-app-code", typ: "string"},
			{in: "header", name: "iThings-user-role", typ: "string"},
			{in: "header", name: "Accept-Language", typ: "string", byDefault: "en"},
			{in: "header", name: "iThings-tenant-code", typ: "string"},
			{
				in: "body", name: "use", typ: "string", need: required,
				enum: []string{"login", "register", "changePwd", "forgetPwd", "bindAccount"}, differs: "any string there",
			},
			{
				in: "body", name: "type", typ: "string", need: required,
				enum: []string{"image", "email", "phone", "sms"}, differs: "any string there",
			},
			{in: "body", name: "data", typ: "string", differs: "required there, and missing in the document's own example"},
			{in: "body", name: "account", typ: "string", differs: "only in the example there; the newer name of data"},
			{in: "body", name: "code", typ: "string", differs: "ours: the answer to an image captcha, before an e-mail or SMS"},
			{in: "body", name: "codeID", typ: "string", differs: "ours: the image captcha that code answers"},
			{in: "body", name: "audio", typ: "boolean", byDefault: false, differs: "ours: an image captcha for people who cannot see it"},
			{in: "answer", name: "code", typ: "integer", need: required},
			{in: "answer", name: "msg", typ: "string", need: required},
			{in: "answer", name: "data", typ: "object", need: onSuccess, differs: "optional there; a success without is no answer"},
			{in: "answer", name: "data.codeID", typ: "string", need: required, differs: "optional there; without it no code can be checked"},
			{in: "answer", name: "data.url", typ: "string", differs: "not optional there; only an image has one"},
			{in: "answer", name: "data.expire", typ: "integer", need: required},
		},
	},
}

package tenancy

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals. Their details are for an operator and name flags of the command line.
var (
	ErrUserpool = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "tenancy.userpool",
		EN: "There is no such userpool.", ZH: "用户池不存在。",
	})
	ErrApplication = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "tenancy.application",
		EN: "There is no application with this id.", ZH: "没有此 ID 的应用。",
	})
	ErrAccessKey = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "tenancy.access_key",
		EN: "There is no access key with this id.", ZH: "没有此 ID 的密钥。",
	})
	ErrSetting = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "tenancy.setting",
		EN: "This setting does not take such a value.", ZH: "该设置不接受此值。",
	})
	ErrNoChange = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "tenancy.no_change",
		EN: "Say what to set.", ZH: "请指定要修改的设置。",
	})
	ErrDefault = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "tenancy.default",
		EN: "This is the default application of its userpool; make another one the default first.",
		ZH: "这是用户池的默认应用，请先将其他应用设为默认。",
	})
	ErrDisabled = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "tenancy.disabled",
		EN: "A disabled application cannot be the default one; enable it first.", ZH: "已停用的应用不能设为默认，请先启用。",
	})
)

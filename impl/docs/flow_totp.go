package docs

var totpFlow = flow{
	id: "totp", tag: "mfa",
	title: text{"An authenticator: enrolment, and signing in with it", "身份验证器：绑定与登录"},
	about: text{
		"A person binds an authenticator app by scanning a QR code. From then on the password alone opens nothing: a code of the app is asked for at every door.",
		"用户扫描二维码绑定身份验证器应用。此后仅凭密码无法登录，所有登录入口都会要求动态验证码。",
	},
	parties: []party{{"app", text{"Authenticator", "身份验证器"}}, {"page", text{"Your page", "业务页面"}}, self},
	before: text{
		"`oathtool` plays the authenticator. The name is a new one each time, so that the flow can be run again.",
		"用 `oathtool` 模拟身份验证器。每次使用新的用户名，因此流程可以反复运行。",
	},
	prepare: `NAME=ada$RANDOM`,
	steps: []step{
		{
			"registerUser",
			text{"An account with user name and password.", "用用户名和密码创建账号。"},
			[]arrow{
				call("page", menshen, "user name, password", "用户名、密码"),
				answer(menshen, "page", "the account is made", "账号已创建"),
			},
			`curl -s $URL/user/register -H "$JSON" -d '{"username":"'$NAME'","password":"correct horse battery"}'`,
		},
		{
			"loginUser",
			text{
				"Sign in. The tokens are in the response headers `Access-Token` and `Refresh-Token`. Binding the first authenticator needs a sign-in of the last 15 minutes.",
				"登录。令牌位于响应头 `Access-Token` 与 `Refresh-Token`。绑定第一个身份验证器要求 15 分钟内登录过。",
			},
			[]arrow{
				call("page", menshen, "user name, password", "用户名、密码"),
				answer(menshen, "page", "Access-Token", "Access-Token"),
			},
			`TOKEN=$(curl -si $URL/user/login -H "$JSON" -d '{"username":"'$NAME'","password":"correct horse battery"}' |
  tr -d '\r' | awk -F': ' '/^Access-Token/ {print $2}')`,
		},
		{
			"getMFAQRCode",
			text{
				"Show `data.qrcode`, a data URI, and `data.secret` beside it for who cannot scan. The secret waits ten minutes to be confirmed; a page that loads twice " +
					"shows the same one.",
				"显示 `data.qrcode`（data URI），并在旁边显示 `data.secret` 供无法扫码的用户手动输入。密钥等待确认十分钟；页面重复加载时显示同一个密钥。",
			},
			[]arrow{
				call("page", menshen, "Access-Token", "Access-Token"),
				answer(menshen, "page", "QR code, secret", "二维码、密钥"),
				call("app", "page", "scans the QR code", "扫描二维码"),
			},
			`SECRET=$(curl -s $URL/auth/mfa/qrcode -H "Access-Token: $TOKEN" | jq -r .data.secret)`,
		},
		{
			"bindMFA",
			text{
				"The first code of the app confirms the secret, and is spent by that. Offer recovery codes now: `POST /auth/mfa/recovery-codes` makes ten.",
				"应用显示的第一个验证码用于确认密钥，使用后即失效。此时应提供恢复码：`POST /auth/mfa/recovery-codes` 生成十个。",
			},
			[]arrow{
				call("app", "page", "a code", "动态验证码"),
				call("page", menshen, "Access-Token, code", "Access-Token、验证码"),
				answer(menshen, "page", "bound", "已绑定"),
			},
			`curl -s $URL/auth/mfa/bind -H "Access-Token: $TOKEN" -d code=$(oathtool --totp -b $SECRET)`,
		},
		{
			"signIn",
			text{
				"The next sign-in: the password is right, and the answer is the refusal 1635 with an `mfaToken`, which waits five minutes for the code. (`/user/login` takes " +
					"the code in the same call.)",
				"下一次登录：密码正确，但返回 1635 以及 `mfaToken`，等待动态验证码五分钟。（`/user/login` 可在同一次请求中提交验证码。）",
			},
			[]arrow{
				call("page", menshen, "user name, password", "用户名、密码"),
				answer(menshen, "page", "refusal 1635, mfaToken", "拒绝 1635、mfaToken"),
			},
			`MFA=$(curl -s $URL/api/v3/signin -H "$JSON" -d '{"connection":"PASSWORD",
  "passwordPayload":{"username":"'$NAME'","password":"correct horse battery"}}' | jq -r .mfaTriggerData.mfaToken)`,
		},
		{
			"signInWithMFA",
			text{
				"The code finishes the sign-in. A wrong one does not use the `mfaToken` up. Every code opens one login, so here the shell takes the next one.",
				"提交验证码完成登录。输错不会使 `mfaToken` 失效。每个验证码只能使用一次，因此这里使用下一个验证码。",
			},
			[]arrow{
				call("app", "page", "the next code", "下一个动态验证码"),
				call("page", menshen, "mfaToken, code", "mfaToken、验证码"),
				answer(menshen, "page", "tokens", "令牌"),
			},
			`CODE=$(oathtool --totp -b --now "now + 30 seconds" $SECRET)
curl -s $URL/api/v3/signin-with-mfa -H "$JSON" -d '{"mfaToken":"'$MFA'","totp":"'$CODE'"}'`,
		},
	},
}

package docs

var codeFlow = flow{
	id: "code", tag: "captcha",
	title: text{"Codes by e-mail or SMS, with an image captcha", "邮箱或短信验证码（含图形验证码）"},
	about: text{
		"A person proves an e-mail address or a phone number with a code that is sent there, first to register, later to sign in. An image captcha keeps " +
			"programs from having codes sent to strangers.",
		"用户通过发送到邮箱或手机的验证码证明该地址属于自己：先用于注册，之后用于登录。图形验证码可防止程序向陌生人批量发送验证码。",
	},
	parties: []party{{"person", text{"Person", "用户"}}, {"page", text{"Your page", "业务页面"}}, self},
	before: text{
		"An e-mail address that nobody has registered. Where no mail server is configured, codes end in the development outbox: `menshen outbox` shows them.",
		"一个尚未注册的邮箱。未配置邮件服务器时，验证码保存在开发发件箱中，可用 `menshen outbox` 查看。",
	},
	prepare: `API=$URL/api/v1/system/user
EMAIL=ada$RANDOM@example.com`,
	steps: []step{
		{
			"createCaptcha",
			text{
				"Ask for an image captcha and show `data.url`, a data URI, in an `img` element. `codeID` names it; it is good for one check within three minutes. For people who " +
					"cannot see the picture ask with `\"audio\": true`. The captcha is needed only after a few codes without one (refusal 1000034), and may always be sent.",
				"请求图形验证码，并在 `img` 元素中显示 `data.url`（data URI）。`codeID` 标识该验证码，三分钟内可校验一次。视障用户可使用 `\"audio\": true` 获取语音。" +
					"仅在未带图形验证码发送数次之后才必须提供（返回 1000034），也可以始终携带。",
			},
			[]arrow{
				call("page", menshen, "image captcha, use: register", "图形验证码，use: register"),
				answer(menshen, "page", "codeID, picture", "codeID、图片"),
				call("person", "page", "types what it shows", "输入图中内容"),
			},
			`CAPTCHA=$(curl -s $API/captcha -H "$JSON" -d '{"type":"image","use":"register"}')
jq -r .data.url <<<"$CAPTCHA" | cut -d, -f2 | base64 -d > captcha.png
printf 'captcha.png: '; read -r SEEN`,
		},
		{
			"createCaptcha",
			text{
				"Ask for the code itself, with the answer to the captcha. The result is the same whether there is an account with this address or not, so your page cannot " +
					"and should not tell either. For SMS, `type` is `phone` and `account` the number.",
				"携带图形验证码的答案，请求发送验证码。无论该地址是否已有账号，返回结果都相同，页面也不应区分。短信：`type` 为 `phone`，`account` 为手机号。",
			},
			[]arrow{
				call("page", menshen, "address, codeID, answer", "地址、codeID、答案"),
				answer(menshen, "page", "codeID of the code", "验证码的 codeID"),
				call(menshen, "person", "e-mail or SMS: the code", "邮件或短信：验证码"),
				call("person", "page", "types the code", "输入验证码"),
			},
			`SEEN_ID=$(jq -r .data.codeID <<<"$CAPTCHA")
ID=$(curl -s $API/captcha -H "$JSON" -d '{"type":"email","use":"register","account":"'$EMAIL'",
  "codeID":"'$SEEN_ID'","code":"'$SEEN'"}' | jq -r .data.codeID)
printf '%s: ' $EMAIL; read -r CODE`,
		},
		{
			"registerWithCode",
			text{
				"Send `codeID` and code together with what the account is to have. Five wrong codes void it. With `isWithLogin` the answer has tokens already.",
				"提交 `codeID`、验证码及账号信息。连续五次错误后验证码作废。设置 `isWithLogin` 时直接返回令牌。",
			},
			[]arrow{
				call("page", menshen, "codeID, code, password", "codeID、验证码、密码"),
				answer(menshen, "page", "the account is made", "账号已创建"),
			},
			`curl -s $API/register -H "$JSON" -d '{"regType":"email","account":"'$EMAIL'","codeID":"'$ID'","code":"'$CODE'",
  "password":"correct horse battery"}'`,
		},
		{
			"createCaptcha",
			text{
				"To sign in later, ask for a code of `use` `login`. An address gets one a minute; what comes too soon is refused (1000028) and says in `Retry-After` how long to wait.",
				"之后登录时，请求 `use` 为 `login` 的验证码。同一地址每分钟一次；过于频繁会被拒绝（1000028），`Retry-After` 给出等待时间。",
			},
			[]arrow{
				call("page", menshen, "address, use: login", "地址，use: login"),
				answer(menshen, "page", "codeID of the code", "验证码的 codeID"),
				call(menshen, "person", "e-mail or SMS: the code", "邮件或短信：验证码"),
				call("person", "page", "types the code", "输入验证码"),
			},
			`sleep 60
ID=$(curl -s $API/captcha -H "$JSON" -d '{"type":"email","use":"login","account":"'$EMAIL'"}' | jq -r .data.codeID)
printf '%s: ' $EMAIL; read -r CODE`,
		},
		{
			"loginWithCaptcha",
			text{
				"The code opens a session. For somebody with an authenticator the answer is 1000201 with an `mfaToken` instead, and `login-mfa` takes its code.",
				"验证码正确即登录成功。若用户已绑定身份验证器，则返回 1000201 及 `mfaToken`，再由 `login-mfa` 提交动态验证码。",
			},
			[]arrow{
				call("page", menshen, "address, codeID, code", "地址、codeID、验证码"),
				answer(menshen, "page", "tokens", "令牌"),
			},
			`curl -s $API/login -H "$JSON" -d '{"loginType":"email","account":"'$EMAIL'","codeID":"'$ID'","code":"'$CODE'"}'`,
		},
	},
}

package docs

var fastpassFlow = flow{
	id: "fastpass", tag: "fastpass",
	title: text{"Fastpass: the web signs a phone in", "快速认证：由网页登录手机"},
	about: text{
		"The other way round: the person is signed in on the web and has a new phone. Its app scans a QR code in the personal centre and is signed in.",
		"方向相反：用户已在网页登录，换了新手机。手机 App 扫描个人中心的二维码即可登录。",
	},
	parties: []party{{"page", text{"Personal centre", "个人中心"}}, self, {"phone", text{"Phone app", "手机 App"}}},
	before:  text{"A person who is signed in on the web.", "一位已在网页登录的用户。"},
	prepare: signedIn,
	steps: []step{
		{
			"createFastpass",
			text{
				"Put the whole of `data` into a QR code, as JSON. It carries an id and no token, works once within a minute, and only while this session lives.",
				"将整个 `data` 以 JSON 写入二维码。其中只有 ID 而没有令牌，一分钟内可使用一次，且仅在当前会话有效期间可用。",
			},
			[]arrow{
				call("page", menshen, "the user's token", "用户令牌"),
				answer(menshen, "page", "qrcodeId, appId, apiHost …", "qrcodeId、appId、apiHost 等"),
			},
			`PASS=$(curl -s $URL/api/v3/gene-fastpass-qrcode-info -H "authorization: $TOKEN" -H "$JSON" -d '{}')
ID=$(jq -r .data.qrcodeId <<<"$PASS")
APP=$(jq -r .data.appId <<<"$PASS")`,
		},
		{
			"getFastpassApps",
			text{
				"The phone asks which applications it can be signed in to, at the `apiHost` of the QR code, and lets the person choose. The page learns that it was scanned.",
				"手机向二维码中的 `apiHost` 查询可登录的应用，并由用户选择。页面会得知二维码已被扫描。",
			},
			[]arrow{
				call("phone", "page", "scans the QR code", "扫描二维码"),
				call("phone", menshen, "qrcodeId, appId", "qrcodeId、appId"),
				answer(menshen, "phone", "applications", "应用列表"),
			},
			`curl -s "$URL/api/v3/get-fastpass-client-apps?qrcodeId=$ID&appId=$APP"`,
		},
		{
			"redeemFastpass",
			text{
				"The phone signs in to the chosen application. Its session has proved what the web's has, and expires no later. The person is told by e-mail.",
				"手机登录所选应用。其会话的认证强度与网页会话相同，且不会晚于网页会话到期。用户会收到邮件通知。",
			},
			[]arrow{
				call("phone", menshen, "qrcodeId, action: APP_LOGIN", "qrcodeId，action: APP_LOGIN"),
				answer(menshen, "phone", "tokens", "令牌"),
			},
			`curl -s $URL/api/v3/qrcode-app-login -H "x-authing-app-id: $APP" -H "$JSON" -d '{"action":"APP_LOGIN","qrcodeId":"'$ID'"}'`,
		},
		{
			"getFastpassStatus",
			text{
				"The page asks every `interval` seconds, until that is absent, and then takes the QR code away. There is no ticket: the tokens are the phone's.",
				"页面每隔 `interval` 秒查询一次，直到该字段不再返回，然后移除二维码。这里没有 ticket：令牌属于手机。",
			},
			[]arrow{
				call("page", menshen, "qrcodeId", "qrcodeId"),
				answer(menshen, "page", "AUTHORIZED", "AUTHORIZED"),
			},
			`curl -s "$URL/api/v3/get-app-login-qrcode-status?qrcodeId=$ID"`,
		},
	},
}

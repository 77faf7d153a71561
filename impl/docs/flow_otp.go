package docs

var otpSecretFlow = flow{
	id: "otp-secret", tag: "otp",
	title: text{"A backend looks up an OTP secret", "后端查询 OTP 密钥"},
	about: text{
		"Another system of yours, say a VPN gateway, checks authenticator codes itself. Your backend fetches the secret of the user's authenticator and hands it over. " +
			"Whoever has the secret can sign in as the user: never let a browser come near it.",
		"您的另一套系统（例如 VPN 网关）需要自行校验动态验证码。后端获取用户身份验证器的密钥并交给该系统。持有密钥即可冒充用户：切勿让浏览器接触它。",
	},
	parties: []party{{"gateway", text{"VPN gateway", "VPN 网关"}}, {"backend", text{"Your backend", "业务后端"}}, self},
	before: text{
		"An access key with the scopes `user:write`, `user:read` and `otp:secret:read`. The first start writes one to `.data/credentials.json`; `menshen key create` makes others.",
		"一个具有 `user:write`、`user:read`、`otp:secret:read` 权限的密钥。首次启动时会写入 `.data/credentials.json`；也可用 `menshen key create` 创建。",
	},
	prepare: `KEY=$(jq '{accessKeyId: .access_key_id, accessKeySecret: .access_key_secret}' .data/credentials.json)
NAME=ada$RANDOM`,
	steps: []step{
		{
			"getManagementToken",
			text{
				"Exchange the access key for a token of two hours, and keep that. The official SDKs do this, or sign each request instead.",
				"用密钥换取有效期两小时的令牌并缓存。官方 SDK 会自动完成，或改为对每个请求签名。",
			},
			[]arrow{
				call("backend", menshen, "access key, its secret", "AccessKey 及其密钥"),
				answer(menshen, "backend", "management token", "管理员 Token"),
			},
			`TOKEN=$(curl -s $URL/api/v3/get-management-token -H "$JSON" -d "$KEY" | jq -r .data.access_token)`,
		},
		{
			"createUser",
			text{
				"A user to look up, who brings an authenticator along. (Users who are here bind one themselves, see above.)",
				"创建一个自带身份验证器的用户用于查询。（已有用户可自行绑定，见上一流程。）",
			},
			[]arrow{
				call("backend", menshen, "user name, otp", "用户名、otp"),
				answer(menshen, "backend", "userId", "userId"),
			},
			`ID=$(curl -s $URL/api/v3/create-user -H "$JSON" -H "Authorization: Bearer $TOKEN" -d '{"username":"'$NAME'",
  "otp":{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}}' | jq -r .data.userId)`,
		},
		{
			"getUserMfaInfo",
			text{"Does the user have an authenticator at all? This tells without touching the secret.", "用户是否已绑定身份验证器？此接口不涉及密钥即可得知。"},
			[]arrow{
				call("backend", menshen, "userId", "userId"),
				answer(menshen, "backend", "totpStatus: enabled", "totpStatus: enabled"),
			},
			`curl -s "$URL/api/v3/get-user-mfa-info?userId=$ID" -H "Authorization: Bearer $TOKEN"`,
		},
		{
			"getOTPSecretByUser",
			text{
				"The lookup, by any of seven kinds of id. It needs a scope of its own and is in the audit log before it is answered.",
				"查询密钥，支持七种 ID 类型。需要单独的权限，且在返回之前写入审计日志。",
			},
			[]arrow{
				call("backend", menshen, "user name", "用户名"),
				answer(menshen, "backend", "secret", "密钥"),
				call("backend", "gateway", "secret, to check codes with", "密钥，用于校验验证码"),
			},
			`SECRET=$(curl -s "$URL/api/v3/get-otp-secret-by-user?userId=$NAME&userIdType=username" \
  -H "Authorization: Bearer $TOKEN" | jq -r .data.secret)
oathtool --totp -b $SECRET`,
		},
	},
}

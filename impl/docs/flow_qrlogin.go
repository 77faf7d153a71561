package docs

var qrLoginFlow = flow{
	id: "qr-login", tag: "qrlogin",
	title: text{"Sign in on the web by scanning a QR code", "扫码登录网页"},
	about: text{
		"The login page shows a QR code. A phone that is signed in scans it, sees who asks, and confirms. Your backend exchanges the ticket for tokens.",
		"登录页显示二维码，已登录的手机扫码后看到登录请求的来源并确认，后端用 ticket 换取令牌。",
	},
	parties: []party{
		{"backend", text{"Your backend", "业务后端"}}, {"page", text{"Login page", "登录页"}}, self, {"phone", text{"Phone app", "手机 App"}},
	},
	before: text{
		"A person who is signed in on the phone, and the application's id and secret, which the first start writes to `.data/credentials.json`.",
		"一位已在手机上登录的用户，以及应用的 ID 与密钥（首次启动时写入 `.data/credentials.json`）。",
	},
	prepare: signedIn,
	steps: []step{
		{
			"createQRCode",
			text{
				"Show `data.url` as a picture and keep `data.qrcodeId` to the page: the ticket is handed out for it. What the picture contains is another, public id, so a photograph " +
					"of the screen is worth nothing.",
				"将 `data.url` 显示为图片，`data.qrcodeId` 只保留在页面中：凭它领取 ticket。图片中是另一个公开的 ID，拍下屏幕也没有用处。",
			},
			[]arrow{
				call("page", menshen, "type: MOBILE_APP", "type: MOBILE_APP"),
				answer(menshen, "page", "qrcodeId, url", "qrcodeId、url"),
			},
			`QR=$(curl -s $URL/api/v3/gene-qrcode -H "$JSON" -d '{"type":"MOBILE_APP"}')
PAGE=$(jq -r .data.qrcodeId <<<"$QR")
SEEN=$(jq -r .data.url <<<"$QR" | sed 's/.*id=//')`,
		},
		{
			"streamQRCodeEvents",
			text{
				"Wait for what happens to the code: `new EventSource(\"/api/v3/qrcode-events?qrcodeId=…\")` in a browser. Asking `get-qrcode-status` every `interval` seconds tells " +
					"the same.",
				"等待二维码状态变化：浏览器中使用 `new EventSource(\"/api/v3/qrcode-events?qrcodeId=…\")`。也可每隔 `interval` 秒轮询 `get-qrcode-status`，结果相同。",
			},
			[]arrow{
				call("page", menshen, "qrcodeId", "qrcodeId"),
				answer(menshen, "page", "event: PENDING", "事件：PENDING"),
			},
			`curl -sN "$URL/api/v3/qrcode-events?qrcodeId=$PAGE" > events.txt &`,
		},
		{
			"setQRCodeStatus",
			text{
				"The phone sends what it read off the picture. The answer has `login`: application, browser, address and time. Show all of it before asking for a decision.",
				"手机发送从图片中读到的 ID。返回的 `login` 包含应用、浏览器、地址和时间，在请用户确认之前应全部展示。",
			},
			[]arrow{
				call("phone", "page", "scans the QR code", "扫描二维码"),
				call("phone", menshen, "id, action: SCAN", "ID，action: SCAN"),
				answer(menshen, "phone", "who asks, from where", "请求来源"),
				answer(menshen, "page", "event: SCANNED", "事件：SCANNED"),
			},
			`curl -s $URL/api/v3/set-qrcode-status -H "authorization: $TOKEN" -H "$JSON" -d '{"qrcodeId":"'$SEEN'","action":"SCAN"}'`,
		},
		{
			"setQRCodeStatus",
			text{
				"The person agrees. Where the application asks for number matching, the phone sends the number that the page shows as well. The page's event has the ticket.",
				"用户确认登录。若应用开启了数字匹配，手机还要发送网页上显示的数字。页面收到的事件中带有 ticket。",
			},
			[]arrow{
				call("phone", menshen, "id, action: CONFIRM", "ID，action: CONFIRM"),
				answer(menshen, "phone", "success", "成功"),
				answer(menshen, "page", "event: AUTHORIZED, ticket", "事件：AUTHORIZED、ticket"),
			},
			`curl -s $URL/api/v3/set-qrcode-status -H "authorization: $TOKEN" -H "$JSON" -d '{"qrcodeId":"'$SEEN'","action":"CONFIRM"}'
wait
TICKET=$(sed -n 's/^data: //p' events.txt | tail -n 1 | jq -r .ticket)`,
		},
		{
			"exchangeQRCodeTicket",
			text{
				"The page hands the ticket to your backend, which exchanges it with the application's secret. It is good once, for a minute; used twice, it ends the session.",
				"页面将 ticket 交给后端，后端用应用密钥换取令牌。ticket 一分钟内有效且只能使用一次；重复使用会结束该会话。",
			},
			[]arrow{
				call("page", "backend", "ticket", "ticket"),
				call("backend", menshen, "ticket, client_id, client_secret", "ticket、client_id、client_secret"),
				answer(menshen, "backend", "tokens", "令牌"),
			},
			`jq --arg ticket "$TICKET" '{$ticket, client_id: .app_id, client_secret: .app_secret}' .data/credentials.json |
  curl -s $URL/api/v3/exchange-tokenset-with-qrcode-ticket -H "$JSON" -d @-`,
		},
	},
}

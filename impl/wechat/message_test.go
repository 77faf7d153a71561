package wechat

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// TestMessageIsRead: what WeChat sends says what it means, with CDATA and without, with a prolog and nested parts.
func TestMessageIsRead(t *testing.T) {
	t.Parallel()
	m, err := parseMessage([]byte(wechattest.Scan("openid", "scene", time.Unix(1407743423, 0))))
	want := message{To: "gh_7f083739789a", From: "openid", CreateTime: "1407743423", Type: "event", Event: "SCAN", EventKey: "scene"}
	if err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
	m, err = parseMessage([]byte(`<?xml version="1.0" encoding="utf-8"?>
		<xml><Content>a &amp; b &#38884; <![CDATA[<c> & ]]>d</Content><Info><Content>deep</Content><Deeper><x/></Deeper></Info><MsgId>1</MsgId></xml>
		`))
	if err != nil || m.Content != "a & b 韤 <c> & d" || m.ID != "1" {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestXMLIsBounded (Q10): no DOCTYPE, no entity of its own, no comment, no instruction, no member twice, no depth.
func TestXMLIsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                  "",
		"blank":                    " \n",
		"text":                     "success",
		"only a prolog":            `<?xml version="1.0"?>`,
		"another root":             "<html/>",
		"root in a name space":     `<a:xml xmlns:a="b"/>`,
		"DOCTYPE":                  `<!DOCTYPE xml><xml/>`,
		"billion laughs":           `<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml><Content>&b;</Content></xml>`,
		"external entity":          `<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;</Content></xml>`,
		"entity that is not there": "<xml><Content>&a;</Content></xml>",
		"comment":                  "<xml><!-- a --></xml>",
		"instruction":              "<xml><?php evil() ?></xml>",
		"prolog in the middle":     `<xml><?xml version="1.0"?></xml>`,
		"two roots":                "<xml/><xml/>",
		"text after the root":      "<xml/>x",
		"text before the root":     "x<xml/>",
		"crossed":                  "<xml><a><b></a></b></xml>",
		"not closed":               "<xml><a>",
		"closed twice":             "<xml></xml></xml>",
		"member twice":             "<xml><EventKey>a</EventKey><EventKey>b</EventKey></xml>",
		"another charset":          `<?xml version="1.0" encoding="gbk"?><xml/>`,
		"deep":                     "<xml>" + strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth) + "</xml>",
		"wide":                     "<xml>" + strings.Repeat("<a/>", maxElements) + "</xml>",
		"control character":        "<xml><Content>\x01</Content></xml>",
	} {
		if m, err := parseMessage([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

// FuzzParseMessage (Q10): nothing crashes it; what it lets through has nothing of a DOCTYPE, and says to the standard
// decoder what it said here.
func FuzzParseMessage(f *testing.F) {
	at := time.Unix(1407743423, 0)
	for _, seed := range []string{
		wechattest.Scan("openid", "scene", at), wechattest.Subscribe("openid", "scene", at), "<xml/>", "<xml><a/></xml>", "<xml>a<b>c</b>d</xml>",
		`<?xml version="1.0"?><xml><Event>a&lt;</Event></xml>`, "<!DOCTYPE xml><xml/>", "<xml><Event><![CDATA[]]]]><![CDATA[>]]></Event></xml>",
		"<xml><Event a='b'>c</Event></xml>", "<a:xml/>", "<xml><x:Event>a</x:Event></xml>", "<xml><Event>a<b/>c</Event></xml>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMessage([]byte(text))
		if err != nil {
			if m != (message{}) {
				t.Errorf("%q: refused, and read as %+v", text, m)
			}
			return
		}
		if !strings.Contains(text, "<![CDATA[") && strings.Contains(text, "<!") {
			t.Errorf("%q was let through", text)
		}
		var standard struct {
			XMLName xml.Name `xml:"xml"`
			Event   []struct {
				Text  string `xml:",chardata"`
				Inner []any  `xml:",any"`
			}
		}
		if strings.Contains(text, ":") || xml.Unmarshal([]byte(text), &standard) != nil {
			return // name spaces, which are no part of a name there
		}
		if len(standard.Event) > 1 || len(standard.Event) == 1 && !strings.Contains(strings.ReplaceAll(standard.Event[0].Text, "\r\n", "\n"), m.Event) {
			t.Errorf("%q: read as %q, the standard decoder says %+v", text, m.Event, standard)
		}
	})
}

// TestReplySurvivesNames: a reply is XML whatever an application is called, and no longer than WeChat takes.
func TestReplySurvivesNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"]]>", "<b>&amp;", "a\x00\x01\x1f\ufffe\uffffb", "门神\n2", strings.Repeat("门", 2000), "]]]]>>", "\xff"} {
		text, err := pusher{}.reply(message{From: "openid", To: "gh_7f083739789a"}, name, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		got := wechattest.NewAccount(t, "", false).Open(text)
		if got.To != "openid" || got.Created != 1 || got.Content != printable(name) || len(got.Content) > maxReply {
			t.Errorf("%q: %+v", name, got)
		}
		if strings.Contains(name, "门") && !strings.HasPrefix(got.Content, "门") {
			t.Errorf("%q: %q", name, got.Content)
		}
	}
}

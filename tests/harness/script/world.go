package script

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// world is the Menshen of a script, and what there is around it.
type world struct {
	*harness.Instance
	t *testing.T
}

// line is what a script writes: the outcome of a step, or a question.
type line struct {
	Step   string
	OK     bool
	Detail string
	Ask    string
	Of     string
}

// settings is the first line that a script reads.
type settings struct {
	URL             string `json:"url"`
	UserpoolID      string `json:"userpoolId"`
	AppID           string `json:"appId"`
	AppSecret       string `json:"appSecret"`
	AccessKeyID     string `json:"accessKeyId"`
	AccessKeySecret string `json:"accessKeySecret"`
}

// converse answers what the script asks, until it ends, and returns the steps that it took.
func (w *world) converse(stdin io.WriteCloser, stdout io.Reader) map[string]line {
	c := w.Credentials
	tell := json.NewEncoder(stdin)
	w.check(tell.Encode(settings{w.URL, c.UserpoolID, c.AppID, c.AppSecret, c.AccessKeyID, c.AccessKeySecret}))
	taken := map[string]line{}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			w.t.Logf("said: %s", lines.Text())
			continue
		}
		if l.Ask != "" {
			w.check(tell.Encode(w.answer(l.Ask, l.Of)))
			continue
		}
		if _, again := taken[l.Step]; again {
			w.t.Errorf("two steps of one name: %s", l.Step)
		}
		taken[l.Step] = l
	}
	w.check(cmp.Or(lines.Err(), stdin.Close()))
	return taken
}

// answer is what the world has to say.
func (w *world) answer(question, of string) string {
	switch question {
	case "scan": // what a phone reads in a picture: the URL of one, or a data URI
		if strings.HasPrefix(of, "data:") {
			return w.ReadQR(w.DataURI(of))
		}
		address := must(url.Parse(of))(w.t)
		id := &gen.GetQRCodePictureParams{ID: address.Query().Get("id")}
		picture := must(w.Client.GetQRCodePictureWithResponse(w.t.Context(), id))(w.t)
		return w.ReadQR(w.Picture(picture.Body))
	case "code": // what the authenticator with this secret shows next; the code that it shows now may be spent
		return w.Phone(of).NextCode()
	case "guess": // what it shows neither now nor a few minutes before or after
		return w.WrongCodes(1, of)[0]
	case "sent code": // the newest one in a message to this address
		return w.SentCode(of)
	case "make public": // the operator says that an application has no server that could keep its secret
		if w.Exec(`UPDATE applications SET browser_exchange = true WHERE id = $1`, of) != 1 {
			w.t.Errorf("no application %s", of)
		}
		return ""
	case "wait": // a while goes by
		w.Clock.Advance(must(time.ParseDuration(of))(w.t))
		return ""
	}
	w.t.Errorf("a question that nobody can answer: %s", question)
	return ""
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

package gen_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/menshen-auth/menshen/gen"
)

// A program asks for an image captcha and looks at the outcome before the data: a refusal, too, is HTTP 200.
func Example() {
	server := answering(`{"code":0,"msg":"success","data":{"codeID":"Y1goJMD3qvs6jZ63QUXN","url":"data:image/png;base64,AAAA","expire":180}}`)
	defer server.Close()

	client, err := gen.NewClientWithResponses(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.CreateCaptchaWithResponse(context.Background(), nil, gen.CreateCaptchaJSONRequestBody{
		Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin,
	})
	switch {
	case err != nil:
		log.Fatal(err) // nobody answered
	case answer.JSON200 == nil:
		log.Fatal(answer.JSONDefault.Msg) // the gate refused: 4xx or 5xx
	case answer.JSON200.Code != 0:
		log.Fatal(answer.JSON200.Msg) // the operation refused
	}
	fmt.Println(answer.JSON200.Data.CodeID, "is good for", answer.JSON200.Data.Expire, "seconds")
	// Output: Y1goJMD3qvs6jZ63QUXN is good for 180 seconds
}

// A client that signs every request with a user's token, for the status dialect.
func ExampleWithRequestEditorFn() {
	server := answering(`{"statusCode":422,"message":"The QR code has expired.","requestId":"r-1"}`)
	defer server.Close()

	signedIn := gen.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("authorization", "the user's access token")
		return nil
	})
	client, err := gen.NewClientWithResponses(server.URL, signedIn)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.SetQRCodeStatusWithResponse(context.Background(), gen.SetQRCodeStatusJSONRequestBody{
		QrcodeID: "the id read from the picture", Action: gen.ChangeQRCodeStatusDtoActionSCAN,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.JSON200.StatusCode, answer.JSON200.Message)
	// Output: 422 The QR code has expired.
}

// answering is a server that always gives one answer.
func answering(answer string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer)
	}))
}

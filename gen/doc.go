// Package gen is generated from openapi/openapi.yaml: models, the strict server interface that impl fulfils, and the
// typed client.
//
//	c, err := gen.NewClientWithResponses("http://127.0.0.1:8080")
//	r, err := c.LoginUserWithResponse(ctx, gen.LoginUserJSONRequestBody{Username: "alice", Password: "..."})
//
// Refusals come with HTTP 200 in JSON200, as the documents define it: look at the envelope's code before the data. What
// the gate refuses is in JSONDefault. Only this file and example_test.go are written by hand; `make gen`
// makes the rest.
package gen

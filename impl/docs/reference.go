package docs

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/envelope"
	"github.com/menshen-auth/menshen/openapi"
)

// orderExtension says where in its tag an operation stands. JSON objects, and so the paths of a contract, have no order.
const orderExtension = "x-menshen-order"

// tagOrder is how a reader gets to know the service: who somebody is, how that is proved, how it is passed on, what serves all of it.
var tagOrder = []string{"account", "captcha", "mfa", "otp", "qrlogin", "wechat", "fastpass", "oidc", "service"}

// reference adds to the contract what it has in another form, or what only the program knows, so that whoever reads an operation
// need not look elsewhere.
type reference struct {
	doc        *openapi3.T
	operations map[string]operation // by operationId
	refusals   func(operationID string) []*apierr.Error
	flows      []flow
	console    bool
}

// operation is where an operation is found, in the contract and in the reference.
type operation struct {
	*openapi3.Operation
	Method, Path string
	dialect      envelope.Dialect
}

// Anchor is the operation's place in the reference.
func (o operation) Anchor() string { return "#/" + o.Tags[0] + "/" + o.OperationID }

// operationsOf are those of a contract that the gate has accepted: each has an id, a tag and a dialect.
func operationsOf(doc *openapi3.T) (map[string]operation, error) {
	all := map[string]operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			dialect, err := envelope.Of(strings.TrimPrefix(op.Responses.Default().Ref, "#/components/responses/"))
			if err != nil {
				return nil, err
			}
			all[op.OperationID] = operation{op, method, path, dialect}
		}
	}
	return all, nil
}

// introduction is what info.md tells.
type introduction struct {
	First, Rest string // the first paragraph of the contract's own, and what follows
	sharedTables
	Console bool
}

// decorate changes the document.
func (r *reference) decorate() error {
	r.order()
	r.pointAtFlows()
	common := newShared()
	for _, op := range r.operations {
		all := r.refusals(op.OperationID)
		common.add(all)
		text, err := note("operation.md", r.notes(op, all))
		if err != nil {
			return err
		}
		op.Description = strings.TrimSpace(op.Description) + "\n\n" + text
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(r.doc.Info.Description), "\n\n")
	text, err := note("info.md", introduction{first, rest, common.tables(), r.console})
	if err != nil {
		return err
	}
	r.doc.Info.Description = text
	r.doc.Servers = openapi3.Servers{{URL: "..", Description: "The service that this page is of"}} // also where it is below a path
	if signature := r.doc.Components.SecuritySchemes["RequestSignature"]; signature != nil {
		signature.Value.Description += "\n\n**This page cannot compute signatures.** Use ManagementToken here, with a token of `/api/v3/get-management-token`."
	}
	return nil
}

// order puts tags into an order, and operations into that of the contract; within a tag those of one dialect stand together.
func (r *reference) order() {
	place := map[string]int{}
	for id := range r.operations {
		place[id] = bytes.Index(openapi.YAML, []byte("\n      operationId: "+id+"\n")) // links, which stand deeper, name others
	}
	list := slices.SortedFunc(maps.Values(r.operations), func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.dialect, b.dialect), cmp.Compare(place[a.OperationID], place[b.OperationID]))
	})
	for i, op := range list {
		if op.Extensions == nil {
			op.Extensions = map[string]any{}
		}
		op.Extensions[orderExtension] = i
	}
	slices.SortStableFunc(r.doc.Tags, func(a, b *openapi3.Tag) int {
		return cmp.Compare(slices.Index(tagOrder, a.Name), slices.Index(tagOrder, b.Name))
	})
}

// pointAtFlows leads from a tag to the flow that tells of it.
func (r *reference) pointAtFlows() {
	for _, f := range r.flows {
		if tag := r.doc.Tags.Get(f.tag); tag != nil {
			tag.ExternalDocs = &openapi3.ExternalDocs{Description: "Flow: " + f.title.en, URL: "flows#" + f.id}
		}
	}
}

// notes are what operation.md tells of an operation.
type notes struct {
	Enveloped bool
	Streams   bool
	Dialect   string
	Number    string // the member that has the number of a refusal; empty where all have the same
	Refusals  []refusal
	Shared    []string
	Next      []next
	Flows     []flowLink
}

// next is an operation that comes after another.
type next struct {
	operation
	Why string
}

type flowLink struct{ ID, Title string }

func (r *reference) notes(op operation, all []*apierr.Error) notes {
	n := notes{Dialect: dialectNames[op.dialect], Number: numberNames[op.dialect]}
	for _, e := range all {
		switch {
		case e.Gate:
		case ofCredentials(e):
			n.Shared = append(n.Shared, e.Code)
		default:
			n.Refusals = append(n.Refusals, newRefusal(op.dialect, e))
		}
	}
	if ok := op.Responses.Status(http.StatusOK); ok != nil {
		n.Streams = ok.Value.Content["text/event-stream"] != nil
		if media := ok.Value.Content["application/json"]; media != nil {
			_, n.Enveloped = media.Schema.Value.Properties[op.dialect.Property()]
		}
		n.Next = r.next(ok.Value.Links)
	}
	for _, f := range r.flows {
		if slices.ContainsFunc(f.steps, func(s step) bool { return s.operation == op.OperationID }) {
			n.Flows = append(n.Flows, flowLink{f.id, f.title.en})
		}
	}
	return n
}

// next are the operations that an answer leads to.
func (r *reference) next(links openapi3.Links) (list []next) {
	for _, name := range slices.Sorted(maps.Keys(links)) {
		link := links[name].Value
		if to, found := r.operations[link.OperationID]; found {
			list = append(list, next{to, oneLine(link.Description)})
		}
	}
	return list
}

// oneLine joins the lines of a paragraph, for where a line ends what it is part of.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

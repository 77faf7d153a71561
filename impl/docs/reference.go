package docs

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// tagOrder is how a reader gets to know the service: who somebody is, how that is proved, how it is passed on, what serves all of it.
var tagOrder = []string{"account", "captcha", "mfa", "otp", "qrlogin", "wechat", "fastpass", "oidc", "service"}

// reference adds to the contract what it has in another form, or what only the program knows, so that whoever reads an operation
// need not look elsewhere.
type reference struct {
	contract
	operations map[string]operation // by operationId
	refusals   func(operationID string) []*apierr.Error
	flows      []flow
	console    bool
}

// introduction is what info.md tells.
type introduction struct {
	First, Rest string // the first paragraph of the contract's own, and what follows
	sharedTables
	Console bool
}

// decorate changes the contract.
func (r *reference) decorate() error {
	r.arrange()
	if err := r.pointAtFlows(); err != nil {
		return err
	}
	common := newShared()
	for _, op := range r.operations {
		n := r.notes(op)
		common.add(r.refusals(op.OperationID), n)
		text, err := note("operation.md", n)
		if err != nil {
			return err
		}
		if err := set(op.node, "description", strings.TrimSpace(r.text(op.node, "description"))+"\n\n"+text); err != nil {
			return err
		}
	}
	return r.introduce(common)
}

// introduce tells what is true of all operations.
func (r *reference) introduce(common shared) error {
	info := r.at(r.root, "info")
	first, rest, _ := strings.Cut(strings.TrimSpace(r.text(info, "description")), "\n\n")
	text, err := note("info.md", introduction{first, rest, common.tables(), r.console})
	if err != nil {
		return err
	}
	if err := set(info, "description", text); err != nil {
		return err
	}
	// Relative, for a service below a path.
	if err := set(r.root, "servers", []map[string]string{{"url": "..", "description": "The service that this page is of"}}); err != nil {
		return err
	}
	signature := r.at(r.root, "components", "securitySchemes", "RequestSignature")
	return set(signature, "description", r.text(signature, "description")+
		"\n\n**This page cannot compute signatures.** Use ManagementToken here, with a token of `/api/v3/get-management-token`.")
}

// arrange puts tags into the order of a reader's journey, and operations of one dialect together; otherwise they stay in that of the
// contract.
func (r *reference) arrange() {
	slices.SortStableFunc(r.at(r.root, "tags").Content, func(a, b *yaml.Node) int {
		return cmp.Compare(slices.Index(tagOrder, r.text(a, "name")), slices.Index(tagOrder, r.text(b, "name")))
	})
	paths := r.at(r.root, "paths")
	items := slices.Collect(slices.Chunk(paths.Content, 2)) // a path, and what is there
	slices.SortStableFunc(items, func(a, b []*yaml.Node) int { return cmp.Compare(r.dialectAt(a[1]), r.dialectAt(b[1])) })
	paths.Content = slices.Concat(items...)
}

func (r *reference) dialectAt(item *yaml.Node) int {
	return int(r.operations[r.text(item.Content[1], "operationId")].dialect)
}

// pointAtFlows leads from a tag to the flow that tells of it.
func (r *reference) pointAtFlows() error {
	for _, f := range r.flows {
		for _, tag := range r.at(r.root, "tags").Content {
			if r.text(tag, "name") != f.tag {
				continue
			}
			if err := set(tag, "externalDocs", map[string]string{"description": "Flow: " + f.title.en, "url": "flows#" + f.id}); err != nil {
				return err
			}
		}
	}
	return nil
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
	Why    string
	Values []value
}

// value is what a link passes on: what the next operation calls it, and where it comes from.
type value struct{ Name, From string }

type flowLink struct{ ID, Title string }

func (r *reference) notes(op operation) notes {
	n := notes{Dialect: dialectNames[op.dialect], Number: numberNames[op.dialect]}
	var own []string
	for _, code := range r.at(op.node, "x-menshen-refusals").Content {
		own = append(own, code.Value)
	}
	for _, e := range r.refusals(op.OperationID) {
		switch {
		case slices.Contains(own, e.Code):
			n.Refusals = append(n.Refusals, newRefusal(op.dialect, e))
		case !e.Gate:
			n.Shared = append(n.Shared, e.Code)
		}
	}
	ok := r.at(op.node, "responses", "200")
	n.Streams = r.at(ok, "content", "text/event-stream") != nil
	n.Enveloped = r.at(ok, "content", "application/json", "schema", "properties", op.dialect.Property()) != nil
	n.Next = r.next(r.at(ok, "links"))
	for _, f := range r.flows {
		if slices.ContainsFunc(f.steps, func(s step) bool { return s.operation == op.OperationID }) {
			n.Flows = append(n.Flows, flowLink{f.id, f.title.en})
		}
	}
	return n
}

// next are the operations that an answer leads to.
func (r *reference) next(links *yaml.Node) (list []next) {
	for _, link := range pairs(links) {
		to, found := r.operations[r.text(link, "operationId")]
		if !found {
			continue
		}
		n := next{operation: to, Why: oneLine(r.text(link, "description"))}
		for name, from := range pairs(r.at(link, "parameters")) {
			n.Values = append(n.Values, value{name, from.Value})
		}
		n.Values = append(n.Values, valuesIn("", r.at(link, "requestBody"))...)
		list = append(list, n)
	}
	return list
}

// valuesIn are those of a body, with the names of what they stand in.
func valuesIn(name string, body *yaml.Node) (list []value) {
	switch {
	case body == nil:
	case body.Kind == yaml.MappingNode:
		for member, child := range pairs(body) {
			list = append(list, valuesIn(strings.TrimPrefix(name+"."+member, "."), child)...)
		}
	case body.Kind == yaml.SequenceNode:
		for _, child := range body.Content {
			list = append(list, valuesIn(name+"[]", child)...)
		}
	default:
		list = append(list, value{name, body.Value})
	}
	return list
}

// oneLine joins the lines of a paragraph, for where a line ends what it is part of.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

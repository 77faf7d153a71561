package docs

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/menshen-auth/menshen/impl/internal/envelope"
)

// contract is the contract as a tree of nodes. These keep the order of the file, which a reader relies on: the first example of an
// answer is a success, and texts speak of what stands below them.
type contract struct{ root *yaml.Node }

func parse(text []byte) (contract, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return contract{}, err
	}
	return contract{document.Content[0]}, nil
}

// at is what a path leads to, references followed; nil where it leads nowhere.
func (c contract) at(from *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		if from = member(from, name); from == nil {
			return nil
		}
		if ref := member(from, "$ref"); ref != nil {
			from = c.at(c.root, strings.Split(strings.TrimPrefix(ref.Value, "#/"), "/")...)
		}
	}
	return from
}

// member is the value of a key; nil where there is none.
func member(mapping *yaml.Node, name string) *yaml.Node {
	for key, value := range pairs(mapping) {
		if key == name {
			return value
		}
	}
	return nil
}

// pairs are the keys and values of a mapping; none of anything else.
func pairs(mapping *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i].Value, mapping.Content[i+1]) {
				return
			}
		}
	}
}

// text is the text that a path leads to; empty where there is none.
func (c contract) text(from *yaml.Node, path ...string) string {
	if n := c.at(from, path...); n != nil {
		return n.Value
	}
	return ""
}

// set gives a mapping a member, or a member another value.
func set(mapping *yaml.Node, name string, value any) error {
	var n yaml.Node
	if err := n.Encode(value); err != nil {
		return err
	}
	if old := member(mapping, name); old != nil {
		*old = n
		return nil
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, &n)
	return nil
}

// writeJSON writes a node, whose members stay in their order.
func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i, child := range n.Content {
			if i > 0 {
				b.WriteByte(",:"[i%2])
			}
			if i%2 == 0 { // JSON has no keys but strings, and a status is a number in YAML
				child = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: child.Value}
			}
			if err := writeJSON(b, child); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, child := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, child); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	default:
		return writeScalar(b, n)
	}
	return nil
}

func writeScalar(b *bytes.Buffer, n *yaml.Node) error {
	var value any = n.Value
	if tag := n.ShortTag(); tag == "!!int" || tag == "!!float" || tag == "!!bool" || tag == "!!null" { // a date stays as it is written
		if err := n.Decode(&value); err != nil {
			return err
		}
	}
	text, err := json.Marshal(value)
	b.Write(text)
	return err
}

// operation is where an operation is found, in the contract and in the reference.
type operation struct {
	OperationID, Summary, Tag string
	Method, Path              string
	dialect                   envelope.Dialect
	node                      *yaml.Node
}

// Anchor is the operation's place in the reference.
func (o operation) Anchor() string { return "#/" + o.Tag + "/" + o.OperationID }

// operations are those of a contract that the gate has accepted: each has an id, a tag and a dialect.
func (c contract) operations() (map[string]operation, error) {
	all := map[string]operation{}
	for path, item := range pairs(c.at(c.root, "paths")) {
		for method, node := range pairs(item) {
			dialect, err := c.dialect(node)
			if err != nil {
				return nil, err
			}
			id := c.text(node, "operationId")
			all[id] = operation{id, c.text(node, "summary"), c.at(node, "tags").Content[0].Value, strings.ToUpper(method), path, dialect, node}
		}
	}
	return all, nil
}

func (c contract) dialect(operation *yaml.Node) (envelope.Dialect, error) {
	ref := member(member(c.at(operation, "responses"), "default"), "$ref")
	return envelope.Of(strings.TrimPrefix(c.text(ref), "#/components/responses/"))
}

package netconf

import "slices"

// leafLists may stand several times in one parent, once for each value. All
// else without a <name> stands once.
var leafLists = []string{
	"protocol", "next-header", "source-port", "destination-port", "port", "icmp-type",
	"apply-groups", "member", "import", "export", "next-hop",
}

// edit is one edit-config on one tree.
type edit struct {
	fallback string // the operation where none is written: merge, replace or none
}

// apply brings target, which is edit's own to change, to what change asks for.
func (e edit) apply(target, change *node) *rpcError {
	return e.descend(target, change, e.fallback)
}

// descend handles the children of change, each with its own operation or the
// one it inherits.
func (e edit) descend(target, change *node, inherited string) *rpcError {
	for _, c := range change.children {
		operation := c.operation
		if operation == "" {
			operation = inherited
		}
		if err := e.child(target, c, operation); err != nil {
			return err
		}
	}
	return nil
}

func (e edit) child(target, c *node, operation string) *rpcError {
	i := slices.IndexFunc(target.children, func(t *node) bool { return same(t, c) })
	switch operation {
	case "merge", "none":
		return e.merge(target, i, c, operation)
	case "create":
		if i >= 0 {
			return dataExists(c)
		}
		target.children = append(target.children, c.clone())
	case "replace":
		if i < 0 {
			target.children = append(target.children, c.clone())
			return nil
		}
		target.children[i] = c.clone()
	case "delete", "remove":
		if i >= 0 {
			target.children = slices.Delete(target.children, i, i+1)
		} else if operation == "delete" {
			return dataMissing(c)
		}
	default:
		return badOperation(c, operation)
	}
	return nil
}

// merge goes down into what exists, and makes what does not.
func (e edit) merge(target *node, i int, c *node, operation string) *rpcError {
	if i < 0 && operation == "none" {
		return e.absent(c)
	}
	if i < 0 {
		target.children = append(target.children, &node{name: c.name, text: c.text})
		i = len(target.children) - 1
	}
	found := target.children[i]
	// A leaf takes the new value; "none" only leads the way to what is deleted.
	if len(c.children) == 0 && operation == "merge" {
		found.text = c.text
	}
	had := len(found.children)
	if err := e.descend(found, c, operation); err != nil {
		return err
	}
	// Junos shows no hierarchy whose last statement was deleted.
	if had > 0 && len(found.children) == 0 {
		target.children = slices.Delete(target.children, i, i+1)
	}
	return nil
}

// absent is an edit below an element that is not there and may not be made:
// harmless unless something in it was to be deleted.
func (e edit) absent(c *node) *rpcError {
	if c.operation == "delete" {
		return dataMissing(c)
	}
	for _, child := range c.children {
		if err := e.absent(child); err != nil {
			return err
		}
	}
	return nil
}

// same tells whether two siblings of a tree and a change are one thing: list
// entries by their name, values of a leaf-list by their text, else by the tag.
func same(a, b *node) bool {
	if a.name != b.name || a.key() != b.key() {
		return false
	}
	return !slices.Contains(leafLists, a.name) || a.text == b.text
}

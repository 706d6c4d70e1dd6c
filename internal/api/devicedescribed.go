package api

// What the API's description says of fields that clients write in several ways.

var (
	textSchema  = node{"type": "string"}
	wordsSchema = node{"type": "array", "items": textSchema}
)

func (places) schema() node { return node{"oneOf": []node{textSchema, wordsSchema}} }

func (features) schema() node {
	kinds := node{"type": "object", "additionalProperties": node{"type": "string", "enum": []string{"required", "preferred"}}}
	return node{"oneOf": []node{wordsSchema, kinds}}
}

func (amount) schema() node { return node{"oneOf": []node{{"type": "number"}, textSchema}} }

func (ending) schema() node {
	return node{"type": "string", "nullable": true, "description": "a time in RFC 3339; without a zone it is UTC"}
}

func (DeviceKey) schema() node {
	parts := node{"type": "object", "properties": node{"label": textSchema, "key": textSchema}, "required": []string{"key"}}
	return node{"oneOf": []node{textSchema, parts}}
}

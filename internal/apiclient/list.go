package apiclient

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
)

// pageSize is the API's largest.
const pageSize = 1000

// List reads all pages of a list: the items below a name in the answer.
func (c *Client) List(ctx context.Context, path, name string, query url.Values) ([]json.RawMessage, error) {
	all := []json.RawMessage{} // an empty list is printed as []
	for page, last := 1, 1; page <= last; page++ {
		q := url.Values{"page": {strconv.Itoa(page)}, "per_page": {strconv.Itoa(pageSize)}}
		for key, values := range query {
			q[key] = values
		}
		var answer map[string]json.RawMessage
		if err := c.Get(ctx, path+"?"+q.Encode(), &answer); err != nil {
			return nil, err
		}
		var items []json.RawMessage
		var meta struct {
			LastPage int `json:"last_page"`
		}
		if err := decode(answer[name], &items); err != nil {
			return nil, err
		}
		if err := decode(answer["meta"], &meta); err != nil {
			return nil, err
		}
		all, last = append(all, items...), meta.LastPage
	}
	return all, nil
}

func decode(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}

package redfish

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// expansion is a $expand, as DSP0266 1.15 describes it in "The expand query
// parameter": which links are answered with what they lead to, and how deep.
type expansion struct {
	plain, links bool // links outside of Links, and those inside
	levels       int
}

// mostLevels is what ServiceRoot promises. BMCs that take more run out of memory.
const mostLevels = 2

var expandForm = regexp.MustCompile(`^([*.~])(?:\(\$levels=([0-9]{1,2})\))?$`)

// parseExpand refuses every other query parameter with a dollar sign, as a
// service must that does not know it.
func parseExpand(query url.Values) (expansion, error) {
	var e expansion
	for name, values := range query {
		if !strings.HasPrefix(name, "$") {
			continue
		}
		form := expandForm.FindStringSubmatch(values[0])
		if name != "$expand" || form == nil {
			return e, fmt.Errorf("query parameter %s=%s: want $expand=. or * or ~, and ($levels=N) after it", name, values[0])
		}
		e = expansion{plain: form[1] != "~", links: form[1] != ".", levels: 1}
		if form[2] != "" {
			e.levels, _ = strconv.Atoi(form[2]) // two digits, by the form
		}
		if e.levels > mostLevels {
			return e, fmt.Errorf("query parameter $expand: %d levels, and at most %d are possible", e.levels, mostLevels)
		}
	}
	return e, nil
}

// expand replaces links in an object by what stands behind them. It wants the
// lock.
func (b *BMC) expand(o object, e expansion) {
	if o == nil || e.levels < 1 {
		return
	}
	for name, value := range o {
		inLinks := name == "Links"
		if inLinks && !e.links || !inLinks && !e.plain {
			continue
		}
		o[name] = b.expanded(value, e)
	}
}

func (b *BMC) expanded(value any, e expansion) any {
	switch v := value.(type) {
	case object:
		at, isLink := v["@odata.id"].(string)
		if isLink && len(v) == 1 {
			next := b.find(at)
			if next == nil {
				return v
			}
			b.expand(next, expansion{e.plain, e.links, e.levels - 1})
			return next
		}
		for name, inner := range v {
			v[name] = b.expanded(inner, e)
		}
	case []object:
		for i, inner := range v {
			v[i], _ = b.expanded(inner, e).(object)
		}
	case []any:
		for i, inner := range v {
			v[i] = b.expanded(inner, e)
		}
	}
	return value
}

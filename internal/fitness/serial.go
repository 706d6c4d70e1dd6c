package fitness

import (
	"encoding/json"
	"regexp"
	"strings"

	"millwright/internal/metal"
)

// Serial is the machine's, as an agent found it, or nothing: where there is no
// inventory, and where the label is one that vendors write on every machine.
func Serial(hardware json.RawMessage) string {
	is, err := read(hardware)
	if err != nil {
		return ""
	}
	return labelled(is.System.Serial)
}

// blank is a serial that a vendor forgot to write.
var blank = regexp.MustCompile(`(?i)^(none|n/?a|null|unknown|empty|invalid|default( string)?|not (specified|available|applicable|set|present)|` +
	`(system|chassis|base ?board) serial( number)?|to be filled( by o\.?e\.?m\.?)?|0?123456789(0|abcdef)?|(?:0|x|f|\.|-|\*)+)$`)

// labelled is a serial, but for those that tell no machine from another.
func labelled(serial string) string {
	serial = clip(strings.TrimSpace(serial), longestPart)
	if blank.MatchString(serial) {
		return ""
	}
	return serial
}

// serial tells a machine from one that stands in its place, and from one that
// was declared twice. A board that was replaced has no label: that is a
// difference too. Without any tables of the firmware there is nothing to compare.
func (c *comparison) serial() {
	if c.is.System.Vendor == "" && c.is.System.Product == "" && c.is.System.Serial == "" {
		return
	}
	is := labelled(c.is.System.Serial)
	if c.Serial != "" && !strings.EqualFold(c.Serial, is) && labelled(c.Serial) != "" {
		c.found.add(metal.WrongSerial, "", "it had serial %s, and it says %q", c.Serial, c.is.System.Serial)
	}
	if is == "" || len(c.Twins) == 0 {
		return
	}
	twins := make([]string, len(c.Twins))
	for i, twin := range c.Twins {
		twins[i] = string(twin)
	}
	c.found.add(metal.DuplicateSerial, "", "serial %s is also that of %s", is, strings.Join(twins, ", "))
}

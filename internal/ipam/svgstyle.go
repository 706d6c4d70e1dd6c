package ipam

import (
	"fmt"
	"strings"
)

// palette is one set of colours. States differ in lightness as well as in hue,
// and quarantine is hatched, for those who tell blue from amber badly.
type palette struct {
	page, ink, dim, held, onHeld, rest, hatch, free, onFree, none, outline rgb
}

type rgb struct{ r, g, b uint8 }

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// mix goes from c towards other.
func (c rgb) mix(other rgb, part float64) rgb {
	between := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*part) }
	return rgb{between(c.r, other.r), between(c.g, other.g), between(c.b, other.b)}
}

var (
	light = palette{
		page: rgb{0xff, 0xff, 0xff}, ink: rgb{0x16, 0x20, 0x2c}, dim: rgb{0x68, 0x74, 0x82},
		held: rgb{0x2b, 0x6c, 0xd4}, onHeld: rgb{0xff, 0xff, 0xff}, rest: rgb{0xf8, 0xcf, 0x7c}, hatch: rgb{0xec, 0xab, 0x3e},
		free: rgb{0xdf, 0xee, 0xe6}, onFree: rgb{0x64, 0x80, 0x73}, none: rgb{0xf1, 0xf2, 0xf4}, outline: rgb{0x8a, 0x3f, 0xb8},
	}
	dark = palette{
		page: rgb{0x12, 0x16, 0x1c}, ink: rgb{0xe6, 0xea, 0xef}, dim: rgb{0x93, 0x9e, 0xab},
		held: rgb{0x5a, 0x97, 0xf2}, onHeld: rgb{0x0b, 0x14, 0x22}, rest: rgb{0xec, 0xb4, 0x56}, hatch: rgb{0xcf, 0x92, 0x2c},
		free: rgb{0x1f, 0x2d, 0x2a}, onFree: rgb{0x7c, 0x98, 0x8e}, none: rgb{0x1a, 0x1f, 0x26}, outline: rgb{0xc8, 0x8b, 0xf0},
	}
)

// steps is how many shades there are between free and held.
const steps = 9

// step is the shade for a part that is above 0, 1 to steps. A little is one
// visible step from nothing.
func step(part float64) int { return max(1, min(steps, int(part*steps+0.5))) }

// style is plain CSS, one set of rules for each palette: variables would be
// shorter, and the converters that people print with do not know them.
func style() string {
	return `<style>
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
.title { font-size: 21px; font-weight: 600 }
.sub { font-size: 15px }
.key, .dim { font-size: 11.5px }
.axis { font-size: 11px }
.in { font-size: 10.5px; text-anchor: middle; pointer-events: none }
.outline { fill: none }
.tick { fill: none; stroke-width: 1.2 }
g:hover > rect:not(.outline) { opacity: .75 }
` + light.rules() + "@media (prefers-color-scheme: dark) {\n" + dark.rules() + `}
</style>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
		`<rect class="amber" width="6" height="6"/><rect class="hatch" width="2" height="6"/></pattern></defs>
`
}

func (p palette) rules() string {
	rules := []string{}
	fill := func(class string, c rgb) { rules = append(rules, fmt.Sprintf(".%s { fill: %s }\n", class, c)) }
	fill("page", p.page)
	fill("title, .key, .name", p.ink)
	fill("sub, .dim, .axis", p.dim)
	fill("held", p.held)
	fill("in-held", p.onHeld)
	fill("in-rest", rgb{0x33, 0x22, 0x05})
	fill("free", p.free)
	fill("in-free", p.onFree)
	fill("none", p.none)
	fill("amber", p.rest)
	fill("hatch", p.hatch)
	for n := 1; n <= steps; n++ {
		fill(fmt.Sprintf("s%d", n), p.free.mix(p.held, 0.12+0.88*float64(n)/steps))
	}
	return strings.Join(rules, "") + fmt.Sprintf(".rest { fill: url(#hatch) }\n.outline, .tick { stroke: %s }\n", p.outline)
}

package ipam

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/metal"
)

// sorted brings a snapshot into one order, with what is always set.
func sorted(s Snapshot) Snapshot {
	slices.SortFunc(s.Aggregates, func(a, b metal.Aggregate) int { return a.Prefix.Compare(b.Prefix) })
	slices.SortFunc(s.Blocks, func(a, b metal.Block) int { return a.Prefix.Compare(b.Prefix) })
	slices.SortFunc(s.Pieces, func(a, b metal.Piece) int { return a.Prefix.Compare(b.Prefix) })
	if s.Pieces == nil {
		s.Pieces = []metal.Piece{}
	}
	return s
}

func join(t require.TestingT, files []io.Reader) Plan {
	plans := []Plan{}
	for _, file := range files {
		plan, err := Read(file, "f", NetBox{})
		require.NoError(t, err)
		plans = append(plans, plan)
	}
	return Join(plans...)
}

func TestWhatIsExportedIsImportedAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t)
		for form, files := range exports(t, s) {
			plan := join(t, files)
			added, err := plan.Against(Snapshot{})
			require.NoError(t, err, form)
			require.Empty(t, added.LeftOut, form)
			require.Equal(t, sorted(s), sorted(added.AddTo(Snapshot{At: s.At})), form)
			again, err := plan.Against(s)
			require.NoError(t, err, form)
			require.True(t, again.Empty(), "%s: %+v", form, again)
		}
	})
}

func TestAnImportNeverChangesWhatIsThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		there, file := worlds(t), worlds(t)
		plan := join(t, exports(t, file)["ours"])
		added, err := plan.Against(there)
		if err != nil {
			require.Equal(t, Plan{}, added, "nothing is half imported")
			for _, p := range err.(Problems) {
				require.NotEmpty(t, p.At.Line)
				require.Error(t, p.Kind, p.Text)
			}
			return
		}
		after := added.AddTo(there)
		require.Subset(t, after.Pieces, there.Pieces)
		require.Subset(t, after.Blocks, there.Blocks)
		for i, p := range after.Pieces {
			for _, q := range after.Pieces[i+1:] {
				require.False(t, p.Prefix.Overlaps(q.Prefix), "%s and %s", p.Prefix, q.Prefix)
			}
		}
		was, is := blocksOf(there), blocksOf(after)
		for p, block := range was {
			require.Equal(t, block, is[p], "%s went to another block", p)
		}
	})
}

// blocksOf is the innermost block of each piece.
func blocksOf(s Snapshot) map[string]string {
	blocks := map[string]string{}
	for _, r := range s.rooms() {
		for _, p := range r.pieces {
			blocks[p.Prefix.String()] = r.Prefix.String()
		}
	}
	return blocks
}

func TestHalfAFileIsAddedToTheOtherHalf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t)
		plan := join(t, exports(t, s)["ours"])
		some := Snapshot{At: s.At, Aggregates: s.Aggregates, Blocks: s.Blocks, Projects: map[metal.Holder]metal.ProjectID{}}
		maps.Copy(some.Projects, s.Projects)
		for _, p := range s.Pieces {
			if rapid.Bool().Draw(t, "there") {
				some.Pieces = append(some.Pieces, p)
			}
		}
		missing, err := plan.Against(some)
		require.NoError(t, err)
		require.Len(t, missing.Leases, len(s.Pieces)-len(some.Pieces))
		require.Equal(t, sorted(s), sorted(missing.AddTo(some)))
	})
}

func TestEveryConflictNamesBothSidesAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rows string
		kind       error
		want       string
	}{
		{"another holder", "lease,198.51.100.0/31,,,,web1,,", metal.ErrInUse,
			"f:2: lease 198.51.100.0/31 of imported/web1 has holder device/d1 there, and imported/web1 in the file; an import changes nothing that is there: take the line out, or change it by hand first"},
		{"a part of a lease", "lease,198.51.100.0/32,,,,web1,,", metal.ErrInUse,
			"f:2: lease 198.51.100.0/32 of imported/web1 lies in lease 198.51.100.0/31 of device/d1 (there already); take one of them out, or give the lease back first"},
		{"around a lease", "lease,198.51.100.0/29,,,,web1,,", metal.ErrInUse,
			"f:2: lease 198.51.100.0/29 of imported/web1 would be put around lease 198.51.100.0/31 of device/d1 (there already); an import moves nothing that is there: make it smaller, or take it out"},
		{"in quarantine", "lease,198.51.100.4/32,,,,web1,,", metal.ErrQuarantined, "lies in quarantine 198.51.100.4/31"},
		{"another site", "block,198.51.100.0/25,lab2,public,,,,", metal.ErrNotAllowed, "has site lab1 there, and lab2 in the file"},
		{"another project", "block,198.51.100.16/28,lab1,public,globex,,,", metal.ErrNotAllowed, "has project acme there, and globex in the file"},
		{"another registry", "aggregate,198.51.100.0/24,,,,,arin,", metal.ErrNotAllowed, "has registry ripe there, and arin in the file"},
		{"a block around leases", "block,198.51.100.0/28,lab1,public,globex,,,", metal.ErrInUse, "block 198.51.100.0/28 would be put around lease 198.51.100.0/31 of device/d1"},
		{"a block in a lease", "block,198.51.100.0/32,lab1,public,globex,,,", metal.ErrInUse, "block 198.51.100.0/32 lies in lease 198.51.100.0/31 of device/d1"},
		{"a block around a block", "block,198.51.100.0/24,lab1,public,,,,", metal.ErrOverlap, "would be put around block 198.51.100.0/25 (there already)"},
		{"a pool in a pool", "block,198.51.100.64/26,lab1,public,,,,", metal.ErrOverlap, "pools do not nest"},
		{"a block of another role than its pool", "block,198.51.100.64/26,lab1,private,acme,,,", metal.ErrNotAllowed, "make them agree"},
		{"a block within a project's", "block,198.51.100.24/29,lab1,public,acme,,,", metal.ErrOverlap, "which is project acme's"},
		{"a project's block from an aggregate", "block,198.51.100.192/28,lab1,public,acme,,,", metal.ErrNotAllowed, "import the pool around it too"},
		{"no aggregate", "block,203.0.113.0/24,lab1,public,,,,", metal.ErrNotAllowed, "lies in no aggregate; import the aggregate too"},
		{"no block", "lease,198.51.100.200/32,,,,web1,,", metal.ErrNotAllowed, "lies in no block; import a block around it too"},
		{"an aggregate in one", "aggregate,198.51.100.0/25,,,,,ripe,", metal.ErrOverlap, "aggregates are disjoint"},
		{"an aggregate around one", "aggregate,198.51.0.0/16,,,,,ripe,", metal.ErrOverlap, "would be put around aggregate 198.51.100.0/24"},
		{"a lease of another project in a project's block", "lease,198.51.100.20/32,,,globex,,,", metal.ErrNotAllowed, "it is project acme's; name another block"},
		{"a lease that says another site", "lease,198.51.100.64/32,lab2,,acme,,,", metal.ErrNotAllowed, "correct the line or leave site and role empty"},
		{"an ask that is elsewhere", "lease,198.51.100.64/31,,,,device/d1,,198.51.100.0/31", metal.ErrInUse, `its "198.51.100.0/31" is 198.51.100.0/31 already`},
		{"a holder of another project", "lease,198.51.100.64/31,,,globex,device/d1,,", metal.ErrNotAllowed, "that is project acme's, and the line says globex"},
		{"twice in the file", "lease,198.51.100.64/32,,,,web1,,\nlease,198.51.100.64/32,,,,web2,,", metal.ErrOverlap, "f:3: lease 198.51.100.64/32 of imported/web2 stands twice, first in f:2; remove one"},
		{"overlapping in the file", "lease,198.51.100.64/30,,,,web1,,\nlease,198.51.100.65/32,,,,web2,,", metal.ErrInUse, "f:3: lease 198.51.100.65/32 of imported/web2 lies in lease 198.51.100.64/30 of imported/web1 (f:2)"},
	} {
		plan, err := Read(strings.NewReader("kind,prefix,site,role,project,holder,registry,ask\n"+c.rows), "f", NetBox{})
		require.NoError(t, err, c.name)
		_, err = plan.Against(lab())
		require.ErrorContains(t, err, c.want, c.name)
		require.ErrorIs(t, err, c.kind, c.name)
	}
}

func TestAllConflictsAreNamedAtOnceAndNothingIsAdded(t *testing.T) {
	t.Parallel()
	plan := read(t, "kind,prefix,holder\nlease,198.51.100.64/32,fine\nlease,198.51.100.0/32,web1\nlease,203.0.113.1/32,web2\n")
	added, err := plan.Against(lab())
	require.Equal(t, 2, strings.Count(err.Error(), "\n")+1)
	require.True(t, added.Empty())
}

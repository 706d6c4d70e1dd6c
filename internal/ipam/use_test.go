package ipam

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/metal"
)

// golden compares with a file of testdata; MILLWRIGHT_GOLDEN=write writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("MILLWRIGHT_GOLDEN") == "write" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func useOf(t *testing.T, s Snapshot, by By, of string, family int) metal.Use {
	t.Helper()
	for _, u := range Uses(s, by) {
		if u.Of == of && u.Family == family {
			return u
		}
	}
	require.FailNow(t, "no use", "of %s by %s", of, by)
	return metal.Use{}
}

func TestUseAddsUpHoweverItIsCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t)
		sum := func(by By, family int) (all metal.Use) {
			for _, u := range Uses(s, by) {
				require.InDelta(t, u.Total, u.Held+u.Resting+u.Free, 1e-6*u.Total, "%s %s", by, u.Of)
				require.Equal(t, u.Free > 0, u.LongestFree.IsValid(), "%s %s", by, u.Of)
				if u.LongestFree.IsValid() {
					require.LessOrEqual(t, Units(u.LongestFree), u.Free)
				}
				if u.Family == family {
					all.Total, all.Held, all.Resting = all.Total+u.Total, all.Held+u.Held, all.Resting+u.Resting
				}
			}
			return all
		}
		for _, family := range []int{4, 6} {
			roles, sites, aggregates := sum(ByRole, family), sum(BySite, family), sum(ByAggregate, family)
			require.InDelta(t, roles.Held, sites.Held, 1e-6)
			require.InDelta(t, roles.Total, sites.Total, 1e-6)
			require.InDelta(t, roles.Held, aggregates.Held, 1e-6)
			require.InDelta(t, roles.Resting, aggregates.Resting, 1e-6)
		}
		sum(ByBlock, 4)
		sum(ByProject, 4)
	})
}

func TestAProjectsBlockIsHeldForOthersAndFreeForItself(t *testing.T) {
	t.Parallel()
	s := lab()
	pool := useOf(t, s, ByBlock, "198.51.100.0/25", 4)
	require.Equal(t, metal.Use{Of: "198.51.100.0/25", Family: 4, Total: 128, Held: 16 + 7, Resting: 2, Free: 128 - 25,
		LongestFree: prefix("198.51.100.64/26")}, pool)
	inside := useOf(t, s, ByBlock, "198.51.100.16/28", 4)
	require.Equal(t, 1.0, inside.Held)
	require.Equal(t, prefix("198.51.100.24/29"), inside.LongestFree)
	acme := useOf(t, s, ByProject, "acme", 4)
	require.Equal(t, 16.0+2+2, acme.Total, "its reservation, a public link, a private link")
	require.Equal(t, 1.0+2+2, acme.Held)
	require.Equal(t, 2.0, useOf(t, s, ByProject, "globex", 4).Held)
	aggregate := useOf(t, s, ByAggregate, "198.51.100.0/24", 4)
	require.Equal(t, 23.0, aggregate.Held)
	require.Equal(t, prefix("198.51.100.64/26"), aggregate.LongestFree, "the lowest of equals")
	require.Equal(t, prefix("10.128.0.0/9"), useOf(t, s, ByAggregate, "10.0.0.0/8", 4).LongestFree, "what no block was cut from is free")
	require.Equal(t, 32.0, useOf(t, s, BySite, Global, 4).Free)
	require.Equal(t, 256.0, useOf(t, s, ByAggregate, "2001:db8::/32", 6).Held, "the /56, in /64s")
}

func TestAPieceThatStandsForABlockIsCountedOnce(t *testing.T) {
	t.Parallel()
	s := lab()
	with := lab()
	with.Pieces = append(with.Pieces, metal.Piece{Prefix: prefix("198.51.100.16/28"), Block: prefix("198.51.100.0/25"), State: metal.Held, Holder: "project/acme"})
	for _, by := range []By{ByAggregate, ByBlock, ByRole, BySite, ByProject} {
		require.Equal(t, Uses(s, by), Uses(with, by), by)
	}
}

func days(of string, held ...float64) []Sample {
	samples := []Sample{}
	for i, h := range held {
		samples = append(samples, Sample{Day: noon.AddDate(0, 0, i), Of: of, Family: 4, Held: h})
	}
	return samples
}

func TestTheRateIsTheLastWeeksSlope(t *testing.T) {
	t.Parallel()
	rate := func(samples []Sample) float64 {
		return Trend([]metal.Use{{Of: "public", Family: 4}}, samples)[0].PerDay
	}
	require.InDelta(t, 3, rate(days("public", 10, 13, 16, 19)), 1e-9)
	require.InDelta(t, 2, rate(days("public", 0, 5000, 0, 0, 2, 4, 6, 8, 10, 12, 14)), 1e-9, "a spike ten days ago is forgotten")
	require.InDelta(t, -1, rate(days("public", 9, 8, 7)), 1e-9)
	require.Zero(t, rate(days("public", 5)))
	require.Zero(t, rate(days("private", 5, 6, 7)), "another's")
	twice := days("public", 5)
	require.Zero(t, rate(append(twice, twice...)), "one day, twice")
}

func TestUseIsWrittenForPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	uses := Trend(Uses(lab(), ByRole), days("public", 20, 21, 22, 23))
	var table, lines, list bytes.Buffer
	require.NoError(t, UseTable(&table, ByRole, uses))
	require.NoError(t, UseCSV(&lines, ByRole, uses))
	require.NoError(t, UseJSON(&list, ByRole, uses))
	golden(t, "use.txt", table.Bytes())
	golden(t, "use.csv", lines.Bytes())
	golden(t, "use.json", list.Bytes())
	records, err := csv.NewReader(&lines).ReadAll()
	require.NoError(t, err)
	var rows []UseRow
	require.NoError(t, json.Unmarshal(list.Bytes(), &rows))
	require.Len(t, records, len(rows)+1)
}

func TestNoUseIsAnEmptyList(t *testing.T) {
	t.Parallel()
	var table, list bytes.Buffer
	require.NoError(t, UseTable(&table, ByRole, nil))
	require.NoError(t, UseJSON(&list, ByRole, nil))
	require.Equal(t, "[]\n", list.String())
	require.Contains(t, table.String(), "nothing to count")
}

func TestNumbersAreShortAndNeverRoundedToNothingOrAll(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{0: "0", 7: "7", 99999: "99999", 16777216: "16.8M", 65536.5: "65.5k", 0.25: "0.25",
		math.Ldexp(1, -63): "<0.01", -2.5: "-2.5", 4294967296: "4.3G", 1e20: "1.00e+20"} {
		require.Equal(t, want, short(f))
	}
	require.Equal(t, "<0.1%", percent(1e-9))
	require.Equal(t, ">99.9%", percent(1-1e-9))
	require.Equal(t, "100.0%", percent(1))
}

func TestDaysLeftCountTheFreeSpace(t *testing.T) {
	t.Parallel()
	public := useOf(t, lab(), ByRole, "public", 4)
	left, grows := Trend([]metal.Use{public}, days("public", 20, 21, 22, 23))[0].DaysLeft()
	require.True(t, grows)
	require.InDelta(t, 103, left, 1e-9)
}

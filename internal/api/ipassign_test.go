package api_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTwoDevicesThatAskForOneAddressAtOnceDoNotBothGetIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	address := w.reserve(1).body["address"]
	devices := []string{w.active("o1"), w.active("o2"), w.active("o3"), w.active("o4")}
	codes := make([]int, len(devices))
	var all sync.WaitGroup
	for i, device := range devices {
		all.Go(func() {
			codes[i] = w.do("owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": address}).code
		})
	}
	all.Wait()
	require.ElementsMatch(t, []int{201, 422, 422, 422}, codes)
}

func TestAnAddressIsAssignedWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	address := w.reserve(1).body["address"]
	device := w.active("o1")
	w.runs.away = true
	given := w.want(201, "owner", "POST", "/devices/"+device+"/ips", map[string]any{"address": address})
	w.want(204, "owner", "DELETE", "/ips/"+given.body["id"].(string), nil)
	require.Positive(t, w.count(`select count(*) from ports where device = $1 and applied < generation`, device), "reconcile finds it")
}

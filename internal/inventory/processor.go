package inventory

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
)

// processors counts what the kernel runs on, socket by socket.
func (r *reader) processors() {
	cores := map[int]map[string]bool{}
	threads := map[int]int{}
	for _, name := range r.list("sys/devices/system/cpu") {
		var cpu int
		if n, _ := fmt.Sscanf(name, "cpu%d", &cpu); n == 0 || name != fmt.Sprintf("cpu%d", cpu) {
			continue
		}
		topology := func(file string) string { return r.text("sys/devices/system/cpu", name, "topology", file) }
		if topology("core_id") == "" {
			continue // is offline
		}
		// Some ARM firmware numbers packages from -1 on, which is one package.
		socket := max(r.number("sys/devices/system/cpu", name, "topology/physical_package_id"), 0)
		if cores[socket] == nil {
			cores[socket] = map[string]bool{}
		}
		// Cores of two dies may have the same number.
		cores[socket][topology("die_id")+"/"+topology("cluster_id")+"/"+topology("core_id")] = true
		threads[socket]++
	}
	models := r.models()
	for socket, distinct := range cores {
		r.found.CPUs = append(r.found.CPUs, CPU{socket, models[socket], len(distinct), threads[socket]})
	}
	sort.Slice(r.found.CPUs, func(i, j int) bool { return r.found.CPUs[i].Socket < r.found.CPUs[j].Socket })
	if len(r.found.CPUs) == 0 {
		r.note("no processor has a topology in %s", r.path("sys/devices/system/cpu"))
	}
}

// models are the names in /proc/cpuinfo, by socket. On ARM there are none.
func (r *reader) models() map[int]string {
	file, err := os.Open(r.path("proc/cpuinfo"))
	if err != nil {
		r.note("%v", err)
		return nil
	}
	defer file.Close()
	models := map[int]string{}
	model := ""
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch strings.TrimSpace(name) {
		case "model name":
			model = clip(value)
		case "physical id":
			var socket int
			if n, _ := fmt.Sscan(value, &socket); n == 1 {
				models[socket] = model
			}
		}
	}
	if len(models) == 0 && model != "" {
		models[0] = model
	}
	return models
}

// memory is what the kernel has, where the firmware did not name its modules.
func (r *reader) memory() {
	if r.found.Memory.Total > 0 {
		return
	}
	content, err := os.ReadFile(r.path("proc/meminfo"))
	if err != nil {
		r.note("%v", err)
		return
	}
	var kibibytes int64
	if _, err := fmt.Sscanf(string(content), "MemTotal: %d kB", &kibibytes); err != nil {
		r.note("no MemTotal in %s", r.path("proc/meminfo"))
	}
	r.found.Memory.Total = kibibytes << 10
}

package bmc

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"millwright/internal/metal"
)

// read asks for everything in one session: the power state comes with it.
func (s *ipmiSession) read(ctx context.Context, mark string) (metal.Reading, error) {
	said, printed, err := s.script(ctx,
		[]string{"mc info"},
		[]string{"dcmi power reading"},
		[]string{"sel info"},
		[]string{"set csv 1", "set verbose 1", "sdr elist", "set verbose 0"},
		[]string{"sel elist"},
	)
	if err != nil {
		return metal.Reading{}, err
	}
	r := metal.Reading{Firmware: ipmiFirmware(facts(printed[0]))}
	if power, settled, err := parsePower(said); err == nil && settled {
		r.Power = power
	} else {
		r.Missing = append(r.Missing, fmt.Sprintf("power: it says %q", clean(said, 40)))
	}
	if r.Watts = consumption(printed[1]); r.Watts == nil {
		r.Missing = append(r.Missing, "consumption: the BMC has no DCMI power reading")
	}
	if r.Sensors, r.Parts = parseSensors(printed[3]); len(r.Sensors) == 0 {
		r.Missing = append(r.Missing, "sensors: ipmitool lists none")
	}
	s.readLog(printed[2], printed[4], mark, &r)
	return r, nil
}

// readLog keeps the mark where the log could not be read.
func (s *ipmiSession) readLog(info, list, mark string, r *metal.Reading) {
	known := facts(info)
	entries := parseLog(list)
	if _, there := known["entries"]; !there || len(entries) == 0 && known["entries"] != "0" {
		r.LogMark = mark
		r.Missing = append(r.Missing, "event log: the BMC does not give it out")
		return
	}
	r.Log, r.LogMark, r.Cleared = sinceMark(metal.IPMI, entries, mark)
	r.LogFull = logIsFull(known)
}

// reading is DCMI's (section 6.6.1), in watts.
var reading = regexp.MustCompile(`Instantaneous power reading:\s+([0-9]+) Watts`)

func consumption(printed string) *float64 {
	match := reading.FindStringSubmatch(printed)
	if match == nil {
		return nil
	}
	return number(match[1], true) // 0 is of BMCs that count nothing
}

func ipmiFirmware(info map[string]string) []metal.FirmwareVersion {
	if info["firmware revision"] == "" {
		return nil
	}
	return []metal.FirmwareVersion{{Component: "bmc", Version: info["firmware revision"]}}
}

// firmware is the BMC's own; IPMI knows no other.
func (s *ipmiSession) firmware(ctx context.Context) ([]metal.FirmwareVersion, error) {
	_, printed, err := s.script(ctx, []string{"mc info"})
	if err != nil {
		return nil, err
	}
	return ipmiFirmware(facts(printed[0])), nil
}

// clearLog empties the SEL. What is read back counts: BMCs begin to erase, and
// are done with it some seconds later.
func (s *ipmiSession) clearLog(ctx context.Context) error {
	_, printed, err := s.script(ctx, []string{"sel clear"}, []string{"sel info"})
	if err == nil && !strings.Contains(printed[0], "Clearing SEL") {
		return fmt.Errorf("sel clear: %w", errNoAcknowledgement)
	}
	return err
}

package redfish

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// numbered are names with a number from 1 on.
func numbered(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i+1)
	}
	return names
}

// place is where a numbered name stands in its list.
func place(id, prefix string, count int) (int, bool) {
	number, err := strconv.Atoi(strings.TrimPrefix(id, prefix))
	return number - 1, err == nil && strings.HasPrefix(id, prefix) && number >= 1 && number <= count
}

func storageView(b *BMC) object {
	drives := []any{}
	for _, id := range b.driveIDs() {
		drives = append(drives, link(drivesPath+"/"+id))
	}
	return resource(storagePath, "Storage.v1_9_0.Storage", "Storage controller", object{
		"Status": object{"State": "Enabled", "Health": b.unless(FailingDisk, healthWarning), "HealthRollup": b.unless(FailingDisk, healthCritical)},
		"Drives": drives, "Drives@odata.count": len(drives),
		"StorageControllers": []object{{
			"@odata.id": storagePath + "#/StorageControllers/0", "MemberId": "0", "Name": "AHCI",
			"FirmwareVersion": "1.0", "SupportedDeviceProtocols": []string{"SATA", "NVMe"}, "Status": statusOf(healthOK),
		}},
	})
}

func (b *BMC) driveIDs() []string { return numbered("", len(b.hardware.Disks)) }

// driveView shows one drive. FailingDisk is the first one's.
func (b *BMC) driveView(id string) object {
	i, ok := place(id, "", len(b.hardware.Disks))
	if !ok {
		return nil
	}
	disk, failing := b.hardware.Disks[i], i == 0 && b.hasLocked(FailingDisk)
	medium, protocol := "SSD", "SATA"
	switch disk.Type {
	case "hdd":
		medium = "HDD"
	case "nvme":
		protocol = "NVMe"
	}
	o := resource(drivesPath+"/"+id, "Drive.v1_12_0.Drive", "Disk."+id, object{
		"SerialNumber": disk.Serial, "Manufacturer": b.hardware.Vendor, "Model": "Simulated disk", "Revision": "1.0",
		"CapacityBytes": int64(disk.SizeGB) * 1e9, "MediaType": medium, "Protocol": protocol,
		"FailurePredicted": failing, "PredictedMediaLifeLeftPercent": 97, "Status": statusOf(healthOK),
		"PhysicalLocation": object{"PartLocation": object{"ServiceLabel": "Slot " + id, "LocationType": "Slot"}},
	})
	if failing {
		o["PredictedMediaLifeLeftPercent"], o["Status"] = 1, statusOf(healthCritical)
	}
	if medium == "HDD" {
		o["PredictedMediaLifeLeftPercent"] = nil
	}
	return o
}

func (b *BMC) dimmIDs() []string {
	count, _ := b.hardware.dimms()
	return numbered("DIMM_A", count)
}

// dimmView shows one module. MemoryErrors are the first one's.
func (b *BMC) dimmView(id string) object {
	count, gib := b.hardware.dimms()
	i, ok := place(id, "DIMM_A", count)
	if !ok {
		return nil
	}
	health := healthOK
	if i == 0 {
		health = b.unless(MemoryErrors, healthCritical)
	}
	return resource(dimmsPath+"/"+id, "Memory.v1_11_0.Memory", id, object{
		"DeviceLocator": id, "CapacityMiB": gib << 10, "MemoryDeviceType": "DDR4", "OperatingSpeedMhz": 3200,
		"Manufacturer": b.hardware.Vendor, "SerialNumber": fmt.Sprintf("%s-D%d", b.hardware.Serial, i+1),
		"Status": statusOf(health),
	})
}

func (b *BMC) processorView(id string) object {
	if id != "CPU1" {
		return nil
	}
	return resource(processorsPath+"/"+id, "Processor.v1_11_0.Processor", id, object{
		"Socket": id, "ProcessorType": "CPU", "Manufacturer": b.hardware.Vendor, "Model": b.hardware.CPU,
		"TotalCores": b.hardware.Cores, "TotalThreads": 2 * b.hardware.Cores, "Status": statusOf(healthOK),
	})
}

func (b *BMC) cardIDs() []string { return numbered("NIC.", len(b.hardware.MACs)) }

func (b *BMC) cardView(id string) object {
	i, ok := place(id, "NIC.", len(b.hardware.MACs))
	if !ok {
		return nil
	}
	return resource(cardsPath+"/"+id, "EthernetInterface.v1_6_0.EthernetInterface", id, object{
		"MACAddress": strings.ToUpper(b.hardware.MACs[i]), "PermanentMACAddress": strings.ToUpper(b.hardware.MACs[i]),
		"SpeedMbps": nil, "LinkStatus": nil, "Status": statusOf(healthOK),
	})
}

// base is the member that a request is about.
func base(r *http.Request) string { return path.Base(strings.TrimSuffix(r.URL.Path, "/")) }

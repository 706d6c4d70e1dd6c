// Package ramsystem is the system in RAM in which the agent works: the kernel
// of a distribution, its modules, and the agent as init. It mounts what the
// kernel offers, loads the modules that the hardware asks for, gets an address
// by DHCP, and leaves the machine by kexec, reboot or power-off. It knows
// nothing of jobs, disks' contents or the boot service.
//
// The program is started twice. As process 1 it does one thing: it starts
// itself again, buries orphans, and starts itself anew should it end. So a
// crash of the agent, or the kernel's killer of large processes, costs a few
// seconds and not the machine, and the agent may use os/exec: nobody takes the
// end of its children from it. It is started a third time, as modprobe, when
// the kernel wants a file system or a cipher. What the agent's main does:
//
//	ramsystem.Enter() // first of all; returns where this process is the agent
//	log := slog.New(slog.NewTextHandler(ramsystem.Console(), nil))
//	if !ramsystem.Inside() {
//		… // on a laptop, or under another init: flags say it all
//	}
//	system, err := ramsystem.Start(ctx, log)  // file systems, modules; may run again after a crash
//	err = system.Network(ctx)                 // waits for an address, for ever; the only error is ctx's
//	err = system.AddTools(…)                  // where a job needs the large programs that are not in the initrd
//	exit, err := agent.Run(ctx, …)
//	if exit == agent.Kexec {
//		// While the network is up, so that a refusal can be reported.
//		if err := system.LoadKernel(ctx, disk); err != nil {
//			… // report no-kexec; Leave below reboots
//		}
//	}
//	err = system.Leave(ramsystem.Kexec)  // or Reboot, PowerOff; returns only where reboot(2) itself refuses
//
// Kernel arguments that it heeds: BOOTIF=01-52-54-… (pxelinux's and iPXE's
// form) and millwright.mac=52:54:… name the NIC to ask on, else every NIC with
// a carrier is asked; millwright.bond=MAC,MAC asks on an LACP bond of these
// first. module.parameter=value is given to modules, as modprobe(8) does.
//
// The package imports no other of ours: neither agent, nor netboot, nor metal.
// Package ramdisk makes the files that it finds itself in.
package ramsystem

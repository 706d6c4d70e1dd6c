# Runs systemd-networkd in a world of its own: $1 has the files of
# /etc/systemd/network. The NICs of the test's machines are there, as veth pairs
# whose other ends are up. Prints addresses and routes once there is an IPv6
# default route.
set -eu
mount -t tmpfs none /run
mount -t sysfs -o ro none /sys # networkd waits for no udev where it is read-only
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network /run/systemd/netif
mount -t tmpfs none /etc/systemd
mkdir /etc/systemd/network
cp "$1"/* /etc/systemd/network
chmod -R a+r /etc/systemd/network
i=0
for mac in 52:54:00:00:00:0a 52:54:00:00:01:0a; do
	ip link add name "nic$i" address "$mac" type veth peer name "port$i"
	ip link set "port$i" up
	i=$((i + 1))
done
/lib/systemd/systemd-networkd >"$1/log" 2>&1 &
daemon=$!
tries=0
until [ -n "$(ip -6 route show default)" ] || [ $tries -ge 200 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
ip -brief address
ip route
ip -6 route
cat "$1/log" >&2
kill $daemon
wait $daemon || true

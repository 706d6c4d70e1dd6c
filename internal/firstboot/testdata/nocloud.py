"""Reads a seed with cloud-init's own NoCloud source, and prints what it is told."""
import json
import os
import sys

from cloudinit import helpers, util
from cloudinit.sources import DataSourceNoCloud

folder = sys.argv[1]
# The kernel's command line and the machine's disks are not the test's.
util.find_devs_with = lambda *a, **k: []
util.get_cmdline = lambda: ""
DataSourceNoCloud.util.find_devs_with = util.find_devs_with
DataSourceNoCloud.dmi.read_dmi_data = lambda *a: None
paths = helpers.Paths({"cloud_dir": folder, "run_dir": os.path.join(folder, "run")})
source = DataSourceNoCloud.DataSourceNoCloud({}, None, paths)
assert source.get_data(), "NoCloud does not take the seed"


def parts(message):
    return [
        {"type": p.get_content_type(), "name": p.get_filename(), "text": p.get_payload(decode=True).decode()}
        for p in message.walk()
        if not p.is_multipart()
    ]


print(
    json.dumps(
        {
            "id": source.get_instance_id(),
            "hostname": str(getattr(source.get_hostname(fqdn=True), "hostname", source.get_hostname(fqdn=True))),
            "keys": source.get_public_ssh_keys(),
            "network": source.network_config,
            "user": source.get_userdata_raw(),
            "user_parts": parts(source.get_userdata()),
            "vendor_parts": parts(source.get_vendordata()),
        },
        default=lambda b: b.decode(),
    )
)

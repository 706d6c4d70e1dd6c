"""Asks a metadata service as cloud-init's Ec2 source does, and prints what it is told."""
import json
import logging
import sys

from cloudinit import sources
from cloudinit.sources.helpers import ec2

logging.disable(logging.CRITICAL)
base, version = sys.argv[1], "2009-04-04"
data = ec2.get_instance_metadata(version, base, retries=0, leaf_decoder=None)
user = ec2.get_instance_userdata(version, base, retries=0)
print(
    json.dumps(
        {
            "meta": data,
            "user": user.decode(),
            "keys": sources.normalize_pubkey_data(data.get("public-keys")),
        }
    )
)

-- Machines' ports as tenants see them: a bond, and the NICs in it. Their IDs
-- follow from the machine and the MAC, so that importing a site again keeps
-- them.

create unique index bonds on machines (stable_id('bond', id));
create unique index nic_ports on nics (stable_id('port', mac::text));

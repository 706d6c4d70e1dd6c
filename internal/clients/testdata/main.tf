# What somebody who comes from Packet has: a project with BGP, keys, a server,
# an elastic address on it, a session.
terraform {
  required_providers {
    equinix = { source = "equinix/equinix" }
  }
}

variable "organization" { type = string }
variable "public_key" { type = string }
variable "own_key" { type = string }
variable "tags" {
  type    = list(string)
  default = ["web"]
}
variable "description" {
  type    = string
  default = "first"
}

data "equinix_metal_metro" "lab" {
  code = "lab"
}

resource "equinix_metal_project" "shop" {
  name            = "shop"
  organization_id = var.organization
  bgp_config {
    deployment_type = "local"
    asn             = 65000
  }
}

resource "equinix_metal_project_ssh_key" "deploy" {
  name       = "deploy"
  public_key = var.public_key
  project_id = equinix_metal_project.shop.id
}

resource "equinix_metal_ssh_key" "mine" {
  name       = "mine"
  public_key = var.own_key
}

resource "equinix_metal_device" "web" {
  hostname            = "web1"
  plan                = "c1.small"
  metro               = data.equinix_metal_metro.lab.code
  operating_system    = "debian_12"
  billing_cycle       = "hourly"
  project_id          = equinix_metal_project.shop.id
  project_ssh_key_ids = [equinix_metal_project_ssh_key.deploy.id]
  user_data           = "#cloud-config\n"
  tags                = var.tags
  description         = var.description
}

resource "equinix_metal_reserved_ip_block" "front" {
  project_id = equinix_metal_project.shop.id
  metro      = "lab"
  type       = "public_ipv4"
  quantity   = 2
  tags       = ["front"]
}

resource "equinix_metal_ip_attachment" "front" {
  device_id     = equinix_metal_device.web.id
  cidr_notation = join("/", [cidrhost(equinix_metal_reserved_ip_block.front.cidr_notation, 0), "32"])
}

resource "equinix_metal_bgp_session" "web" {
  device_id      = equinix_metal_device.web.id
  address_family = "ipv4"
}

output "address" {
  value = equinix_metal_device.web.access_public_ipv4
}
output "gateway" {
  value = equinix_metal_device.web.network[0].gateway
}

-- One stand-in for a node of Cisco Unified Presence. tests/lab/lab sets the LAB_* environment.

run_as_root = true -- only matters where root runs the lab: containers and build machines
data_path = ENV_LAB_NODE_DIR .. "/data"
plugin_paths = { ENV_LAB_SOURCE_DIR }
log = { [ENV_LAB_LOG_LEVEL] = ENV_LAB_NODE_DIR .. "/log" }

modules_enabled = { "roster", "saslauth", "disco", "ping", "version", "carbons", "bosh", "any_sni", "cup_nodes" }
modules_disabled = { "c2s", "s2s", "s2s_auth_certs" }

http_ports = { tonumber(ENV_LAB_HTTP_PORT) }
https_ports = { tonumber(ENV_LAB_HTTPS_PORT) }
http_interfaces = { ENV_LAB_ADDRESS }
https_interfaces = { ENV_LAB_ADDRESS }
certificates = ENV_LAB_DIR .. "/certs"
https_ssl = { certificate = ENV_LAB_CERTIFICATE, key = ENV_LAB_KEY }
http_paths = { bosh = ENV_LAB_BOSH_PATH }
http_default_host = ENV_LAB_DOMAIN -- whatever the Host field says: address, short name or full name
trusted_proxies = { "127.0.0.0/8" }

-- Prosody leaves Nagle's algorithm on: the first answer on a TLS connection then waits 40 ms for an
-- acknowledgement of the session tickets. Tests measure the proxy, not this.
network_settings = { nagle = false }

-- PLAIN over the plain port too: like CUP with its secure mode off.
consider_bosh_secure = true
bosh_max_inactivity = tonumber(ENV_LAB_INACTIVITY)

-- Passwords as they are, and PLAIN only: what CUP offers.
authentication = "internal_plain"
disable_sasl_mechanisms = { "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS" }
storage = "internal"

VirtualHost(ENV_LAB_DOMAIN)
Include(ENV_LAB_DIR .. "/accounts/cup_nodes.cfg.lua")

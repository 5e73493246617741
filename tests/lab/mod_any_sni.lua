-- Prosody refuses a TLS client whose server name is none of its hosts. CUP, like most servers, ignores the
-- name and shows the one certificate it has; so does this node with this module.

module:set_global();

local portmanager = require "core.portmanager";

module:hook("server-started", function ()
	for _, _, _, _, active in portmanager.get_active_services():iter("https", nil, nil, nil) do
		local server = active.server;
		setmetatable(server.hosts, { __index = function () return server.tls_ctx; end });
	end
end);
